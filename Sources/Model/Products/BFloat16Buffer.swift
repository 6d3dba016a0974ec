internal import VectorKernels

/// Cache-line-aligned storage for bfloat16 numbers, freed with its owner.
@safe
struct BFloat16Buffer: ~Copyable {
  private let memory: ZeroedMemory
  let base: UnsafeMutablePointer<UInt16>
  /// Number of elements.
  let count: Int

  /// Allocates `count` zeros.
  init(count: Int) {
    precondition(count >= 0, "a buffer cannot have \(count) elements")
    memory = ZeroedMemory(byteCount: count * MemoryLayout<UInt16>.stride)
    unsafe base = memory.base.bindMemory(to: UInt16.self, capacity: count)
    self.count = count
  }

  /// The `rows` x `columns` matrix that begins at element `offset`.
  @_lifetime(borrow self)
  func matrix(_ rows: Int, _ columns: Int, at offset: Int) -> BFloat16View {
    precondition(
      offset >= 0 && offset + rows * columns <= count,
      "a [\(rows), \(columns)] matrix at \(offset) leaves a buffer of \(count)")
    return unsafe _overrideLifetime(
      BFloat16View(base: base + offset, rows: rows, columns: columns, stride: columns),
      borrowing: self)
  }

  /// Overwrites the elements from `offset` on with those of `x`, rounded; x: contiguous.
  func round(_ x: MatrixView, at offset: Int) {
    let elements = x.rows * x.columns
    precondition(
      offset >= 0 && offset + elements <= count && x.stride == x.columns,
      "\(elements) elements do not fit, or are not contiguous")
    unsafe vk_narrow_bf16(x.base, 1, base + offset, elements)
  }

  /// Overwrites x with the elements from `offset` on; x: contiguous.
  func widen(from offset: Int, into x: MutableMatrixView) {
    let elements = x.rows * x.columns
    precondition(
      offset >= 0 && offset + elements <= count && x.stride == x.columns,
      "there are no \(elements) elements, or they are not contiguous")
    unsafe vk_widen_bf16(base + offset, x.base, elements)
  }
}

/// A read-only [rows, columns] matrix of bfloat16 numbers in memory that belongs to somebody else.
@safe
package struct BFloat16View: ~Escapable {
  let base: UnsafePointer<UInt16>
  package let rows: Int, columns: Int
  /// Elements from one row to the next.
  package let stride: Int
  /// A zero follows each row.
  let isPadded: Bool

  @_lifetime(borrow base)
  init(
    base: UnsafePointer<UInt16>, rows: Int, columns: Int, stride: Int, isPadded: Bool = false
  ) {
    self.isPadded = isPadded
    unsafe self.base = base
    self.rows = rows
    self.columns = columns
    self.stride = stride
  }

  /// The rows in `range`.
  @_lifetime(copy self)
  func rows(_ range: Range<Int>) -> BFloat16View {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows outside of the matrix")
    return unsafe _overrideLifetime(
      BFloat16View(
        base: base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride,
        isPadded: isPadded), copying: self)
  }

  /// The columns in `range`.
  @_lifetime(copy self)
  func columns(_ range: Range<Int>) -> BFloat16View {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= columns, "columns outside of the matrix")
    return unsafe _overrideLifetime(
      BFloat16View(
        base: base + range.lowerBound, rows: rows, columns: range.count, stride: stride),
      copying: self)
  }
}
