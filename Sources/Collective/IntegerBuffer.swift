/// Zero-initialised storage for 64-bit integers that stays where it is, freed with its owner.
@safe
struct IntegerBuffer: ~Copyable {
  let base: UnsafeMutablePointer<Int64>
  let count: Int

  init(count: Int) {
    self.count = count
    unsafe base = .allocate(capacity: count)
    unsafe base.initialize(repeating: 0, count: count)
  }

  deinit { unsafe base.deallocate() }

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

  /// Overwrites every element with zero.
  mutating func zero() { unsafe base.update(repeating: 0, count: count) }

  /// The elements in `range`, for writing.
  @_lifetime(&self)
  mutating func part(_ range: Range<Int>) -> MutableSpan<Int64> {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "outside of the buffer")
    return unsafe _overrideLifetime(
      MutableSpan(_unsafeStart: base + range.lowerBound, count: range.count), mutating: &self)
  }
}
