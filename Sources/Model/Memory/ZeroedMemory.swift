internal import Glibc

/// Zeroed memory on cache-line boundaries.
///
/// Large pieces are mapped, so that what is never touched costs nothing, in huge pages where the kernel has them.
@safe
struct ZeroedMemory: ~Copyable {
  let base: UnsafeMutableRawPointer
  private let byteCount: Int
  private let isMapped: Bool
  private static let largePiece = 4 << 20

  /// - Parameters:
  ///   - file: Whose pages from `offset` on are mapped, so that whoever maps them too sees the same; -1 for memory of this
  ///     process alone.
  init(byteCount: Int, file: Int32 = -1, offset: Int = 0) {
    isMapped = byteCount >= Self.largePiece || file >= 0
    self.byteCount = max(byteCount, 1)
    guard isMapped else {
      unsafe base = UnsafeMutableRawPointer.allocate(byteCount: self.byteCount, alignment: 64)
      unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: self.byteCount)
      return
    }
    let flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED
    let access = PROT_READ | PROT_WRITE
    guard let pages = unsafe mmap(nil, self.byteCount, access, flags, file, offset),
      unsafe pages != MAP_FAILED
    else {
      fatalError("no memory for \(byteCount) bytes: \(unsafe String(cString: strerror(errno)))")
    }
    unsafe madvise(pages, self.byteCount, Int32(MADV_HUGEPAGE))
    unsafe base = pages
  }

  deinit {
    if isMapped { unsafe munmap(base, byteCount) } else { unsafe base.deallocate() }
  }
}
