/// Byte-pair encoding of one piece: the pair of lowest rank merges first, leftmost among equals.
///
/// Source: Sennrich, Haddow, Birch, Neural Machine Translation of Rare Words with Subword Units, 2016.
struct BytePairMerger: Sendable {
  /// (left id, right id) -> (rank, id of the merged token)
  private var merges: [UInt64: UInt64]

  init(capacity: Int) {
    merges = [:]
    merges.reserveCapacity(capacity)
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  mutating func add(_ left: Int32, _ right: Int32, rank: Int, result: Int32) {
    let value = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: result))
    let key = Self.key(left, right)
    if merges[key] == nil { merges[key] = value }
  }

  /// Merges `ids` as far as the ranks allow.
  func merge(_ ids: [Int32]) -> [Int32] {
    guard ids.count > 1 else { return ids }
    var ids = ids
    var next = Array(1...ids.count)
    var previous = Array(-1..<ids.count - 1)
    var queue = PairQueue()
    func offer(_ left: Int, _ queue: inout PairQueue) {
      let right = next[left]
      guard right < ids.count, let merge = merges[Self.key(ids[left], ids[right])] else { return }
      queue.push(.init(merge: merge, position: left, left: ids[left], right: ids[right]))
    }
    for left in 0..<ids.count - 1 { offer(left, &queue) }
    while let pair = queue.pop() {
      let left = pair.position
      let right = next[left]
      // A pair that took part in another merge meanwhile is out of date.
      guard ids[left] == pair.left, right < ids.count, ids[right] == pair.right else { continue }
      ids[left] = Int32(truncatingIfNeeded: pair.merge)
      ids[right] = -1
      next[left] = next[right]
      if next[left] < ids.count { previous[next[left]] = left }
      offer(left, &queue)
      if previous[left] >= 0 { offer(previous[left], &queue) }
    }
    return ids.filter { $0 >= 0 }
  }
}

/// A heap of pairs, lowest rank first, then leftmost.
private struct PairQueue {
  struct Pair {
    /// Rank in the high half, merged id in the low.
    let merge: UInt64
    let position: Int
    let left: Int32, right: Int32

    func comesBefore(_ other: Pair) -> Bool {
      (merge >> 32, position) < (other.merge >> 32, other.position)
    }
  }
  private var heap: [Pair] = []

  mutating func push(_ pair: Pair) {
    heap.append(pair)
    var child = heap.count - 1
    while child > 0, heap[child].comesBefore(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Pair? {
    guard let first = heap.first else { return nil }
    heap[0] = heap[heap.count - 1]
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child].comesBefore(heap[least]) { least = child }
      if least == parent { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
