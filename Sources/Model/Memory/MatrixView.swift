/// A read-only [rows, columns] matrix in memory that belongs to somebody else.
///
/// The compiler keeps a view from outliving its owner; preconditions keep it inside the owner's bounds.
@safe
package struct MatrixView: ~Escapable {
  let base: UnsafePointer<Float>
  package let rows: Int, columns: Int
  /// Elements from one row to the next.
  package let stride: Int

  @_lifetime(borrow base)
  init(base: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int) {
    unsafe self.base = base
    self.rows = rows
    self.columns = columns
    self.stride = stride
  }

  package subscript(row: Int, column: Int) -> Float {
    precondition(
      row >= 0 && row < rows && column >= 0 && column < columns, "outside of the matrix")
    return unsafe base[row * stride + column]
  }

  /// The elements, row after row, copied.
  package func array() -> [Float] {
    (0..<rows).flatMap { row in (0..<columns).map { self[row, $0] } }
  }

  /// The rows in `range`.
  @_lifetime(copy self)
  package func rows(_ range: Range<Int>) -> MatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows outside of the matrix")
    return unsafe _overrideLifetime(
      MatrixView(
        base: base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride),
      copying: self)
  }

  /// The columns in `range`.
  @_lifetime(copy self)
  package func columns(_ range: Range<Int>) -> MatrixView {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= columns, "columns outside of the matrix")
    return unsafe _overrideLifetime(
      MatrixView(base: base + range.lowerBound, rows: rows, columns: range.count, stride: stride),
      copying: self)
  }
}
