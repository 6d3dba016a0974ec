internal import Synchronization

/// How far each rank of a host has come in adding to a sum: nothing more comes from it below its end.
@safe
final class FinalEnds: @unchecked Sendable {
  private let pages: MappedPages
  private let ends: UnsafeMutablePointer<Atomic<Int>>
  private let rank: Int, count: Int

  /// - Parameter shared: Pages that the other ranks of the host have too.
  init(rank: Int, count: Int, shared: SharedPages?) {
    (self.rank, self.count) = (rank, count)
    pages = MappedPages(byteCount: Self.byteCount(count), shared: shared)
    unsafe ends = pages.base.bindMemory(to: Atomic<Int>.self, capacity: count)
  }

  /// Of so many ranks.
  static func byteCount(_ count: Int) -> Int { count * MemoryLayout<Atomic<Int>>.stride }

  /// This rank's.
  var own: Int {
    get { unsafe ends[rank].load(ordering: .relaxed) }
    set { unsafe ends[rank].store(newValue, ordering: .releasing) }
  }

  /// The lowest of all ranks of the host.
  var lowest: Int {
    (0..<count).reduce(Int.max) { unsafe min($0, ends[$1].load(ordering: .acquiring)) }
  }
}
