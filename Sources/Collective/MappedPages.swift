internal import Glibc

/// Zeroed memory in pages of its own, private or shared, unmapped with its owner.
@safe
struct MappedPages: ~Copyable {
  let base: UnsafeMutableRawPointer
  private let byteCount: Int

  /// - Parameter shared: Pages that other ranks map too; nil for memory of this process alone.
  init(byteCount: Int, shared: SharedPages?) {
    self.byteCount = max(byteCount, 1)
    let flags = shared == nil ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED
    guard
      let pages = unsafe mmap(
        nil, self.byteCount, PROT_READ | PROT_WRITE, flags, shared?.descriptor ?? -1,
        shared?.offset ?? 0), unsafe pages != MAP_FAILED
    else {
      fatalError("no memory for \(byteCount) bytes: \(unsafe String(cString: strerror(errno)))")
    }
    unsafe madvise(pages, self.byteCount, Int32(MADV_HUGEPAGE))
    unsafe base = pages
  }

  deinit { unsafe munmap(base, byteCount) }
}
