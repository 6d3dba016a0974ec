import Model
import TestSupport
import Testing

/// Products in both precisions against double precision; bfloat16 only where this processor has it.
struct MatrixProductsTests {
  struct Case: Sendable, CustomStringConvertible {
    let rows: Int, columns: Int, inner: Int
    var description: String { "\(rows)x\(columns)x\(inner)" }
  }
  static let cases = [
    (1, 1, 1), (1, 16, 33), (93, 48, 576), (16, 576, 93), (7, 5, 2000), (64, 64, 64), (2, 3, 0),
    // Blocks and tiles that are whole, and all sorts of parts of them.
    (1, 64, 70), (13, 200, 576), (109, 130, 1026), (7, 65, 131), (25, 1100, 66), (10, 79, 514),
  ].map { Case(rows: $0, columns: $1, inner: $2) }
  static let precisions = Precision.allCases.filter { $0.obstacle == nil }

  /// Half a unit in the last place of an operand: 2^-9 of bfloat16's 8 bits, nothing of 32-bit numbers.
  private static func rounding(_ precision: Precision) -> Double {
    precision == .bfloat16 ? 0x1p-9 : 0
  }

  /// Each product errs by at most the rounding of both operands, each of `inner` additions by half a unit of float32.
  private static func bound(_ precision: Precision, inner: Int, magnitude: Double) -> Double {
    let rounding = rounding(precision)
    return magnitude * (2 * rounding + rounding * rounding + Double(inner + 2) * 0x1p-24)
  }

  /// - Parameter copies: The first operand is transposed while it is rounded, instead of in the product.
  @Test(
    arguments: cases,
    [(false, false, false), (false, true, false), (true, false, false), (true, false, true)])
  func `products are within the rounding of their operands`(
    sizes: Case, transposes: (a: Bool, b: Bool, copies: Bool)
  ) {
    let (rows, columns, inner) = (sizes.rows, sizes.columns, sizes.inner)
    let a = randomValues(rows * inner, seed: 1)
    let b = randomValues(inner * columns, seed: 2)
    let start = randomValues(rows * columns, seed: 3)
    let aBuffer = FloatBuffer(a)
    let bBuffer = FloatBuffer(b)
    let left = transposes.a ? aBuffer.matrix(inner, rows) : aBuffer.matrix(rows, inner)
    let right = transposes.b ? bBuffer.matrix(columns, inner) : bBuffer.matrix(inner, columns)
    for precision in Self.precisions {
      let size = max(rows, columns) * (inner + 2)
      let products = MatrixProducts(precision, operand: size)
      let spare = FloatBuffer(count: rows * inner)
      let unusable = FloatBuffer([Float](repeating: .nan, count: size))
      let c = FloatBuffer(start)
      let target = c.matrix(rows, columns)
      for accumulates in [true, false] {
        for slot in [MatrixProducts.Slot.first, .second] {
          _ = products.operand(unusable.row().view, in: slot)
        }
        let first =
          transposes.copies
          ? products.operand(transposing: left.view, spare: spare, in: .first)
          : products.operand(left.view, in: .first)
        let second = products.operand(right.view, in: .second)
        if accumulates {
          products.multiply(
            first, transposingFirst: transposes.a && !transposes.copies, second,
            transposingSecond: transposes.b,
            accumulatingInto: target)
        } else {
          products.multiply(
            first, transposingFirst: transposes.a && !transposes.copies, second,
            transposingSecond: transposes.b,
            into: target)
        }
        for row in 0..<rows {
          for column in 0..<columns {
            var (sum, magnitude) = (0.0, 0.0)
            for k in 0..<inner {
              let x = Double(transposes.a ? a[k * rows + row] : a[row * inner + k])
              let y = Double(transposes.b ? b[column * inner + k] : b[k * columns + column])
              sum += x * y
              magnitude += abs(x * y)
            }
            if accumulates { sum += Double(start[row * columns + column]) }
            let bound = Self.bound(precision, inner: inner, magnitude: magnitude + 1)
            let error = abs(Double(target[row, column]) - sum)
            #expect(error <= bound, "\(precision) [\(row), \(column)] accumulates \(accumulates)")
          }
        }
      }
    }
  }

  @Test(arguments: [ElementType.float32, .float16, .bfloat16], [(0, 24), (1, 24), (0, 100)])
  func `weights of every type are multiplied in panels`(
    type: ElementType, sizes: (misalignment: Int, inputs: Int)
  ) throws {
    // More rows than two panels of bfloat16, and not a whole number of them.
    let (tokens, inputs, outputs) = (3, sizes.inputs, 2500)
    let sample = try SampleWeights(outputs, inputs, type, misalignment: sizes.misalignment)
    let x = randomValues(tokens * inputs, seed: 4)
    let dy = randomValues(tokens * outputs, seed: 5)
    let y = ReferenceMatrix(tokens, inputs, x).timesTransposed(sample.reference)
    let dx = ReferenceMatrix(tokens, outputs, dy) * sample.reference
    let xBuffer = FloatBuffer(x)
    let dyBuffer = FloatBuffer(dy)
    for precision in Self.precisions {
      let products = MatrixProducts(
        precision, panel: sample.weight.panelCount(precision), operand: tokens * outputs)
      let forward = FloatBuffer([Float](repeating: .nan, count: tokens * outputs))
      products.multiply(
        products.operand(xBuffer.matrix(tokens, inputs).view, in: .first),
        transposed: sample.weight, into: forward.matrix(tokens, outputs))
      let backward = FloatBuffer([Float](repeating: .nan, count: tokens * inputs))
      products.multiply(
        products.operand(dyBuffer.matrix(tokens, outputs).view, in: .first), sample.weight,
        into: backward.matrix(tokens, inputs))
      let tolerance = precision == .bfloat16 ? 3e-3 : 3e-6
      #expect(relativeError(forward.array(), y.floats) < tolerance, "\(precision)")
      #expect(relativeError(backward.array(), dx.floats) < tolerance, "\(precision)")
    }
  }

  @Test(arguments: precisions, [(false, 200), (true, 200), (true, 24)])
  func `a row's product depends on that row alone, and not on the threads`(
    precision: Precision, weights: (transposed: Bool, columns: Int)
  ) {
    guard precision.productKernels.hasPrefix("own") else { return }
    let (rows, columns, inner) = (29, weights.columns, 1500)
    let x = FloatBuffer(randomValues(rows * inner, seed: 6))
    let w = FloatBuffer(randomValues(inner * columns, seed: 7))
    let matrix = weights.transposed ? w.matrix(columns, inner) : w.matrix(inner, columns)
    let products = MatrixProducts(precision, operand: inner * max(rows, columns))
    func product(rows range: Range<Int>, threads: Int) -> [Float] {
      precision.setThreadCount(threads)
      defer { precision.setThreadCount(1) }
      let y = FloatBuffer(count: range.count * columns)
      products.multiply(
        products.operand(x.matrix(rows, inner).view.rows(range), in: .first),
        products.operand(matrix.view, in: .second), transposingSecond: weights.transposed,
        into: y.matrix(range.count, columns))
      return y.array()
    }
    let whole = product(rows: 0..<rows, threads: 1)
    for threads in 2...5 { #expect(product(rows: 0..<rows, threads: threads) == whole) }
    for row in 0..<rows {
      let alone = product(rows: row..<row + 1, threads: 1)
      #expect(alone == Array(whole[row * columns..<(row + 1) * columns]), "row \(row)")
    }
  }

  @Test(arguments: precisions) func `few columns have the bits that they have among many`(
    precision: Precision
  ) {
    guard precision.productKernels.hasPrefix("own") else { return }
    let (rows, columns, few, inner) = (13, 100, 33, 1500)
    let x = FloatBuffer(randomValues(rows * inner, seed: 8))
    let w = FloatBuffer(randomValues(inner * columns, seed: 9))
    let products = MatrixProducts(precision, operand: inner * max(rows, columns))
    func product(_ count: Int) -> [[Float]] {
      let y = FloatBuffer(count: rows * count)
      products.multiply(
        products.operand(x.matrix(rows, inner).view, in: .first),
        products.operand(w.matrix(columns, inner).view.rows(0..<count), in: .second),
        transposingSecond: true, into: y.matrix(rows, count))
      let values = y.array()
      return (0..<rows).map { Array(values[$0 * count..<$0 * count + few]) }
    }
    #expect(product(few) == product(columns))
  }

  @Test func `bfloat16 rounds to nearest even and keeps what is special`() {
    guard Self.precisions.contains(.bfloat16) else { return }
    // 1 times x gives x as it was rounded; ties go to the even neighbour.
    let cases: [(Float, Float)] = [
      (1.00390625, 1), (1.01171875, 1.015625), (-1.00390625, -1), (0x1.8p-100, 0x1.8p-100),
      (.infinity, .infinity), (3.4e38, .infinity),
    ]
    for (value, rounded) in cases {
      let products = MatrixProducts(.bfloat16, operand: 1)
      let x = FloatBuffer([value])
      let one = FloatBuffer([1])
      let y = FloatBuffer(count: 1)
      products.multiply(
        products.operand(x.row().view, in: .first), products.operand(one.row().view, in: .second),
        into: y.row())
      #expect(y.array()[0] == rounded, "\(value) became \(y.array()[0])")
    }
  }
}
