internal import Glibc

/// A lock for every stretch of a buffer that several processes add to.
///
/// Source: pthread_mutexattr_setpshared(3).
@safe
final class StretchLocks {
  private let pages: MappedPages
  private let locks: UnsafeMutablePointer<pthread_mutex_t>
  private let count: Int
  /// Elements of a stretch: few enough that a rank seldom waits, and enough that a lock costs nothing beside them.
  private static let stretch = 1 << 14

  /// Locks for `elements` elements of the ranks of `host`.
  ///
  /// Communication: all ranks of the host must call this at the same point.
  init(elements: Int, of host: HostRanks) throws(MPIError) {
    count = (elements + Self.stretch - 1) / Self.stretch
    let byteCount = unsafe count * MemoryLayout<pthread_mutex_t>.stride
    pages = MappedPages(byteCount: byteCount, shared: try host.reserve(byteCount: byteCount))
    unsafe locks = pages.base.bindMemory(to: pthread_mutex_t.self, capacity: count)
    if host.isFirst {
      var attributes = pthread_mutexattr_t()
      unsafe pthread_mutexattr_init(&attributes)
      unsafe pthread_mutexattr_setpshared(&attributes, Int32(PTHREAD_PROCESS_SHARED))
      for index in 0..<count { unsafe pthread_mutex_init(locks + index, &attributes) }
      unsafe pthread_mutexattr_destroy(&attributes)
    }
    try host.barrier()
  }

  /// The elements from `first` on, below `end`, that have the same lock.
  func stretch(from first: Int, below end: Int) -> Range<Int> {
    first..<min(end, (first / Self.stretch + 1) * Self.stretch)
  }

  /// Does what `body` does while no other rank of the host changes the stretch of `element`.
  func locked<Result>(_ element: Int, _ body: () -> Result) -> Result {
    let index = element / Self.stretch
    precondition(index >= 0 && index < count, "no stretch has element \(element)")
    unsafe pthread_mutex_lock(locks + index)
    defer { unsafe pthread_mutex_unlock(locks + index) }
    return body()
  }
}
