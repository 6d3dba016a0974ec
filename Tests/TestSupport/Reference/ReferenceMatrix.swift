/// A [rows, columns] matrix in double precision.
package struct ReferenceMatrix {
  package let rows: Int, columns: Int
  package var values: [Double]

  package init(_ rows: Int, _ columns: Int, _ values: [Double]) {
    precondition(values.count == rows * columns, "the values do not fill the matrix")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  package init(_ rows: Int, _ columns: Int, _ values: [Float]) {
    self.init(rows, columns, values.map(Double.init))
  }

  package subscript(row: Int, column: Int) -> Double {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  package func row(_ index: Int) -> [Double] {
    Array(values[index * columns..<(index + 1) * columns])
  }

  package var floats: [Float] { values.map(Float.init) }

  package var transposed: ReferenceMatrix {
    var result = ReferenceMatrix(columns, rows, [Double](repeating: 0, count: values.count))
    for row in 0..<rows { for column in 0..<columns { result[column, row] = self[row, column] } }
    return result
  }

  /// self * other^T: both rows are read in order.
  package func timesTransposed(_ other: ReferenceMatrix) -> ReferenceMatrix {
    precondition(columns == other.columns, "shapes do not fit a product")
    var result: [Double] = []
    result.reserveCapacity(rows * other.rows)
    for i in 0..<rows {
      for j in 0..<other.rows {
        var sum = 0.0
        for k in 0..<columns {
          sum += values[i * columns + k] * other.values[j * columns + k]
        }
        result.append(sum)
      }
    }
    return ReferenceMatrix(rows, other.rows, result)
  }

  package static func * (left: ReferenceMatrix, right: ReferenceMatrix) -> ReferenceMatrix {
    left.timesTransposed(right.transposed)
  }

  package static func * (factor: Double, matrix: ReferenceMatrix) -> ReferenceMatrix {
    ReferenceMatrix(matrix.rows, matrix.columns, matrix.values.map { factor * $0 })
  }

  package static func + (left: ReferenceMatrix, right: ReferenceMatrix) -> ReferenceMatrix {
    left.elementwise(right, +)
  }

  package func elementwise(
    _ other: ReferenceMatrix, _ operation: (Double, Double) -> Double
  ) -> ReferenceMatrix {
    precondition(rows == other.rows && columns == other.columns, "shapes differ")
    return ReferenceMatrix(rows, columns, zip(values, other.values).map(operation))
  }
}
