/// One bit for each element of a module's input: set where it is kept.
@safe
package struct DropoutMask: ~Escapable {
  let base: UnsafeMutablePointer<UInt8>
  /// Number of bits.
  package let count: Int

  @_lifetime(borrow base)
  fileprivate init(base: UnsafeMutablePointer<UInt8>, count: Int) {
    unsafe self.base = base
    self.count = count
  }

  /// The mask of some rows of a matrix with `width` columns; all of an empty one.
  @_lifetime(copy self)
  func rows(_ range: Range<Int>, width: Int) -> DropoutMask {
    count == 0 ? self : part(range.lowerBound * width, count: range.count * width)
  }

  /// The mask of `count` elements from element `first` on, a multiple of 8.
  @_lifetime(copy self)
  func part(_ first: Int, count: Int) -> DropoutMask {
    precondition(
      first >= 0 && first % 8 == 0 && first + count <= self.count, "outside of the mask")
    return unsafe _overrideLifetime(
      DropoutMask(base: base + first / 8, count: count), copying: self)
  }
}

/// The masks that a forward pass keeps for its backward pass, freed with their owner.
package struct DropoutMasks: ~Copyable {
  private let memory: ZeroedMemory
  private let byteCount: Int

  /// Memory for masks of `byteCount` bytes in all.
  package init(byteCount: Int) {
    memory = ZeroedMemory(byteCount: byteCount)
    self.byteCount = byteCount
  }

  /// The mask of `count` elements that begins at byte `offset`.
  @_lifetime(borrow self)
  package func mask(_ count: Int, at offset: Int = 0) -> DropoutMask {
    precondition(
      offset >= 0 && count >= 0 && offset + (count + 7) / 8 <= byteCount,
      "a mask of \(count) bits at \(offset) leaves \(byteCount) bytes")
    let base = unsafe memory.base.assumingMemoryBound(to: UInt8.self) + offset
    return unsafe _overrideLifetime(DropoutMask(base: base, count: count), borrowing: self)
  }
}
