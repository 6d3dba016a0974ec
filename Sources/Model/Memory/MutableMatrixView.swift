internal import VectorKernels

/// A writable [rows, columns] matrix in memory that belongs to somebody else.
///
/// Copies of a view name the same memory, as a pointer does; buffers are laid out so that no kernel reads what another
/// view of the same call overwrites, except where it says that an output may be an input.
@safe
package struct MutableMatrixView: ~Escapable {
  let base: UnsafeMutablePointer<Float>
  package let rows: Int, columns: Int
  /// Elements from one row to the next.
  package let stride: Int

  @_lifetime(borrow base)
  init(base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int) {
    unsafe self.base = base
    self.rows = rows
    self.columns = columns
    self.stride = stride
  }

  /// The same matrix, read-only.
  package var view: MatrixView {
    @_lifetime(copy self)
    get {
      unsafe _overrideLifetime(
        MatrixView(base: base, rows: rows, columns: columns, stride: stride), copying: self)
    }
  }

  package subscript(row: Int, column: Int) -> Float {
    get { view[row, column] }
    nonmutating set {
      precondition(
        row >= 0 && row < rows && column >= 0 && column < columns, "outside of the matrix")
      unsafe base[row * stride + column] = newValue
    }
  }

  /// The rows in `range`.
  @_lifetime(copy self)
  package func rows(_ range: Range<Int>) -> MutableMatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows outside of the matrix")
    return unsafe _overrideLifetime(
      MutableMatrixView(
        base: base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride),
      copying: self)
  }

  /// The columns in `range`.
  @_lifetime(copy self)
  package func columns(_ range: Range<Int>) -> MutableMatrixView {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= columns, "columns outside of the matrix")
    return unsafe _overrideLifetime(
      MutableMatrixView(
        base: base + range.lowerBound, rows: rows, columns: range.count, stride: stride),
      copying: self)
  }

  /// Overwrites every element with zero.
  package func zero() {
    for row in 0..<rows { unsafe (base + row * stride).update(repeating: 0, count: columns) }
  }

  /// Rounds every element to the nearest bfloat16 number.
  func round() {
    for row in 0..<rows { unsafe vk_round_bf16(base + row * stride, columns) }
  }

  /// Overwrites this matrix with `source`.
  package func copy(from source: MatrixView) {
    precondition(source.rows == rows && source.columns == columns, "shapes differ")
    for row in 0..<rows {
      unsafe (base + row * stride).update(from: source.base + row * source.stride, count: columns)
    }
  }

  /// Overwrites this matrix, whose rows are contiguous, with the transpose of `source`.
  func copy(transposing source: MatrixView) {
    precondition(
      source.rows == columns && source.columns == rows && (rows <= 1 || stride == columns),
      "shapes differ or are not contiguous")
    unsafe vk_transpose(source.base, source.stride, source.rows, source.columns, base)
  }

  /// Overwrites this matrix with some rows of `source`.
  func gather(_ rows: [Int], of source: MatrixView) {
    precondition(rows.count == self.rows, "shapes differ")
    for (index, row) in rows.enumerated() {
      self.rows(index..<index + 1).copy(from: source.rows(row..<row + 1))
    }
  }

  /// Moves the first rows to the places `rows`, which ascend, and overwrites all others with zero.
  func spread(_ rows: [Int]) {
    var end = self.rows
    for (index, row) in rows.enumerated().reversed() {
      if row != index { self.rows(row..<row + 1).copy(from: view.rows(index..<index + 1)) }
      self.rows(row + 1..<end).zero()
      end = row
    }
    self.rows(0..<end).zero()
  }

  /// self *= factor.
  func scale(by factor: Float) {
    for row in 0..<rows { unsafe vk_scale(factor, base + row * stride, columns) }
  }

  /// self += x.
  package func add(_ x: MatrixView) {
    precondition(x.rows == rows && x.columns == columns, "shapes differ")
    for row in 0..<rows {
      unsafe vk_add(x.base + row * x.stride, base + row * stride, columns)
    }
  }

  /// Adds `vector` to every row.
  package func addToRows(_ vector: [Float]) {
    precondition(vector.count == columns, "the vector has not one element per column")
    for row in 0..<rows { unsafe vk_add(vector, base + row * stride, columns) }
  }

  /// Adds the only row of `vector` to every row.
  package func addToRows(_ vector: MatrixView) {
    precondition(
      vector.rows == 1 && vector.columns == columns, "the vector has not one element per column")
    for row in 0..<rows { unsafe vk_add(vector.base, base + row * stride, columns) }
  }
}
