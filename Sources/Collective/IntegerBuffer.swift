/// Zero-initialised storage for 64-bit integers that stays where it is, freed with its owner.
@safe
struct IntegerBuffer: ~Copyable {
  private let pages: MappedPages
  let base: UnsafeMutablePointer<Int64>
  let count: Int

  /// - Parameter shared: Pages for the integers that other ranks have too; nil for memory of this process alone.
  init(count: Int, shared: SharedPages? = nil) {
    self.count = count
    pages = MappedPages(byteCount: count * MemoryLayout<Int64>.stride, shared: shared)
    unsafe base = pages.base.bindMemory(to: Int64.self, capacity: count)
  }

  subscript(index: Int) -> Int64 {
    get {
      precondition(index >= 0 && index < count, "outside of the buffer")
      return unsafe base[index]
    }
    set {
      precondition(index >= 0 && index < count, "outside of the buffer")
      unsafe base[index] = newValue
    }
  }

  /// Overwrites the elements in `range` with zero.
  mutating func zero(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "outside of the buffer")
    unsafe (base + range.lowerBound).update(repeating: 0, count: range.count)
  }

  /// The elements in `range`, for writing.
  @_lifetime(&self)
  mutating func part(_ range: Range<Int>) -> MutableSpan<Int64> {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "outside of the buffer")
    return unsafe _overrideLifetime(
      MutableSpan(_unsafeStart: base + range.lowerBound, count: range.count), mutating: &self)
  }
}
