internal import Glibc

/// Zeroed memory on cache-line boundaries.
///
/// Large pieces are mapped, so that what is never touched costs nothing, in huge pages where the kernel has them.
@safe
struct ZeroedMemory: ~Copyable {
  let base: UnsafeMutableRawPointer
  private let byteCount: Int
  private static let largePiece = 4 << 20

  init(byteCount: Int) {
    self.byteCount = byteCount
    guard byteCount >= Self.largePiece else {
      unsafe base = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
      unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: max(byteCount, 1))
      return
    }
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard let pages = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0),
      unsafe pages != MAP_FAILED
    else {
      fatalError("no memory for \(byteCount) bytes: \(unsafe String(cString: strerror(errno)))")
    }
    unsafe madvise(pages, byteCount, Int32(MADV_HUGEPAGE))
    unsafe base = pages
  }

  deinit {
    if byteCount < Self.largePiece {
      unsafe base.deallocate()
    } else {
      unsafe munmap(base, byteCount)
    }
  }
}
