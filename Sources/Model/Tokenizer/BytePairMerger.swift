/// Byte-pair encoding of one piece: the pair of lowest rank merges first, leftmost among equals.
///
/// Source: Sennrich, Haddow, Birch, Neural Machine Translation of Rare Words with Subword Units, 2016.
/// Kept from piece to piece for its memory.
struct BytePairMerger {
  private struct Symbol {
    /// -1 once it is part of the symbol on its left.
    var id: Int32
    var previous: Int32, next: Int32
  }
  private let table: MergeTable
  private var symbols: [Symbol] = []
  private var queue = PairQueue()

  init(_ table: MergeTable) { self.table = table }

  /// Adds a token to the end of the piece.
  mutating func append(_ id: Int32) {
    let position = Int32(symbols.count)
    symbols.append(Symbol(id: id, previous: position - 1, next: position + 1))
  }

  /// Merges the piece as far as the ranks allow, appends it to `ids` and begins the next piece.
  mutating func finish(into ids: inout [Int32]) {
    if symbols.count > 1 {
      for left in 0..<symbols.count - 1 { offer(left) }
      while let pair = queue.pop() { apply(pair) }
    }
    for symbol in symbols where symbol.id >= 0 { ids.append(symbol.id) }
    symbols.removeAll(keepingCapacity: true)
  }

  /// Queues the pair that starts at `left`, if it is one that merges.
  private mutating func offer(_ left: Int) {
    let right = Int(symbols[left].next)
    guard right < symbols.count else { return }
    let (leftId, rightId) = (symbols[left].id, symbols[right].id)
    guard let merge = table.merge(leftId, rightId) else { return }
    queue.push(.init(merge: merge, position: Int32(left), left: leftId, right: rightId))
  }

  private mutating func apply(_ pair: PairQueue.Pair) {
    let left = Int(pair.position)
    let right = Int(symbols[left].next)
    // A pair that took part in another merge meanwhile is out of date.
    guard symbols[left].id == pair.left, right < symbols.count, symbols[right].id == pair.right
    else { return }
    symbols[left].id = Int32(truncatingIfNeeded: pair.merge)
    symbols[right].id = -1
    let next = symbols[right].next
    symbols[left].next = next
    if next < symbols.count { symbols[Int(next)].previous = Int32(left) }
    offer(left)
    if symbols[left].previous >= 0 { offer(Int(symbols[left].previous)) }
  }
}

/// A heap of pairs, lowest rank first, then leftmost.
private struct PairQueue {
  struct Pair {
    /// Rank in the high half, merged id in the low.
    let merge: UInt64
    let position: Int32
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
      for child in 2 * parent + 1...2 * parent + 2
      where child < heap.count && heap[child].comesBefore(heap[least]) { least = child }
      if least == parent { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
