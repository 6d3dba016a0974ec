import Foundation
import TestSupport
import Testing
import VectorKernels

/// Lengths around every multiple of the lanes, and one that fills them many times.
let kernelLengths = Array(0...70) + [1000]

/// Kernels against their formulas in double precision, with the bound that the test states.
struct VectorKernelTests {
  /// Half a unit in the last place of a 32-bit float.
  private static let roundoff = 0x1p-24

  private func values(_ count: Int, _ seed: UInt64, scale: Float = 1) -> [Float] {
    randomValues(count, seed: seed).map { scale * $0 }
  }

  /// Each element within `relative` of its own size plus `absolute(index)`; a canary behind the last stays.
  private func expect(
    _ actual: [Float], _ expected: [Double], relative: Double,
    absolute: (Int) -> Double = { _ in 0 }, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(actual.count == expected.count + 1, sourceLocation: sourceLocation)
    #expect(actual.last == canary, "wrote past the end", sourceLocation: sourceLocation)
    for (index, value) in expected.enumerated() {
      let bound = relative * abs(value) + absolute(index)
      #expect(
        abs(Double(actual[index]) - value) <= bound, "element \(index) of \(expected.count)",
        sourceLocation: sourceLocation)
    }
  }
  private let canary: Float = 12345
  private func output(_ count: Int) -> [Float] { [Float](repeating: .nan, count: count) + [canary] }

  // MARK: Normalisation and positions

  /// A sum of n squares in 16 lanes is off by at most (n / 16 + 18) roundings.
  @Test(arguments: kernelLengths.filter { $0 > 0 })
  func `rms_norm`(count: Int) {
    let x = values(count, 1, scale: 3)
    let weight = values(count, 2)
    var y = output(count)
    let inverse = unsafe vk_rms_norm(x, weight, 1e-5, &y, count)
    let mean = x.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(count)
    let expected = 1 / (mean + Double(Float(1e-5))).squareRoot()
    let relative = (Double(count) / 16 + 24) * Self.roundoff
    #expect(abs(Double(inverse) / expected - 1) <= relative)
    expect(y, zip(x, weight).map { Double($0) * Double($1) * expected }, relative: relative)
  }

  @Test(arguments: kernelLengths.filter { $0 > 0 })
  func `rms_norm_backward`(count: Int) {
    let (dy, x, weight) = (values(count, 3), values(count, 4), values(count, 5))
    let start = values(count, 6)
    var dx = start + [canary]
    let r = 0.75
    unsafe vk_rms_norm_backward(dy, x, weight, Float(r), &dx, count)
    let products = (0..<count).map { Double(weight[$0]) * Double(dy[$0]) * Double(x[$0]) }
    let mean = products.reduce(0, +) / Double(count)
    let size = products.reduce(0) { $0 + abs($1) } / Double(count)
    let expected = (0..<count).map {
      Double(start[$0]) + r * Double(weight[$0]) * Double(dy[$0]) - r * r * r * mean * Double(x[$0])
    }
    expect(dx, expected, relative: 0) { index in
      (4 + (Double(count) / 16 + 24) * size * Double(abs(x[index]))) * Self.roundoff
    }
  }

  @Test(arguments: kernelLengths)
  func `rotate and rotate_back`(half: Int) {
    let angles = values(half, 7, scale: 3).map(Double.init)
    let (cosine, sine) = (angles.map { Float(cos($0)) }, angles.map { Float(sin($0)) })
    let x = values(2 * half, 8)
    for direction in [1.0, -1.0] {
      var y = x + [canary]
      if direction > 0 {
        unsafe vk_rotate(&y, cosine, sine, half)
      } else {
        unsafe vk_rotate_back(&y, cosine, sine, half)
      }
      let first = (0..<half).map { j in
        Double(x[j]) * Double(cosine[j]) - direction * Double(x[j + half]) * Double(sine[j])
      }
      let second = (0..<half).map { j in
        Double(x[j + half]) * Double(cosine[j]) + direction * Double(x[j]) * Double(sine[j])
      }
      expect(y, first + second, relative: 0) { _ in 4 * Self.roundoff }
    }
  }

  // MARK: Gated activation

  /// Gates that saturate in either direction, beyond where exp leaves single precision.
  private func gates(_ count: Int) -> [Float] {
    let extremes: [Float] = [0, -0.0, 1e-30, 20, -20, 87, -87, 88.5, -88.5, 120, -120, 1e4, -1e4]
    return (0..<count).map { $0 % 3 == 0 ? extremes[$0 / 3 % extremes.count] : 0 }
      .enumerated().map { $1 == 0 && $0 % 3 != 0 ? 12 * randomValues(1, seed: UInt64($0))[0] : $1 }
  }

  @Test(arguments: kernelLengths)
  func `swiglu`(count: Int) {
    let (gate, up) = (gates(count), values(count, 10))
    var y = output(count)
    unsafe vk_swiglu(gate, up, &y, count)
    let expected = zip(gate, up).map { Double($0) / (1 + exp(-Double($0))) * Double($1) }
    // Below -88 the exact value is under 1e-36 and is not resolved.
    expect(y, expected, relative: 1e-6) { 1e-38 * Double(abs(gate[$0])) + 0x1p-149 }
  }

  @Test(arguments: kernelLengths)
  func `swiglu of bfloat16 numbers is that of the floats they stand for`(count: Int) {
    func rounded(_ values: [Float]) -> (halves: [UInt16], floats: [Float]) {
      let halves = values.map { UInt16($0.bitPattern >> 16) }
      return (halves, halves.map { Float(bitPattern: UInt32($0) << 16) })
    }
    let (dy, gate, up) = (values(count, 13), rounded(gates(count)), rounded(values(count, 14)))
    var (y, expected) = (output(count), output(count))
    unsafe vk_swiglu_bf16(gate.halves, up.halves, &y, count)
    unsafe vk_swiglu(gate.floats, up.floats, &expected, count)
    #expect(y == expected)
    var (dgate, dup) = (output(count), output(count))
    var (expectedGate, expectedUp) = (output(count), output(count))
    unsafe vk_swiglu_backward_bf16(dy, gate.halves, up.halves, &dgate, &dup, count)
    unsafe vk_swiglu_backward(dy, gate.floats, up.floats, &expectedGate, &expectedUp, count)
    #expect(dgate == expectedGate && dup == expectedUp)
  }

  @Test(arguments: kernelLengths)
  func `swiglu_backward`(count: Int) {
    let (dy, gate, up) = (values(count, 11), gates(count), values(count, 12))
    var (dgate, dup) = (output(count), output(count))
    unsafe vk_swiglu_backward(dy, gate, up, &dgate, &dup, count)
    let sigmoid = gate.map { 1 / (1 + exp(-Double($0))) }
    let expectedGate = (0..<count).map { i in
      let g = Double(gate[i])
      return Double(dy[i]) * Double(up[i]) * sigmoid[i] * (1 + g * (1 - sigmoid[i]))
    }
    // 1 - sigmoid is off by one rounding of 1, times the gate.
    expect(dgate, expectedGate, relative: 1e-6) { i in
      let g = Double(abs(gate[i]))
      return (4e-7 * (1 + g) * min(1, sigmoid[i] + 1e-38)) + 1e-38 * (1 + g)
    }
    let expectedUp = (0..<count).map { Double(dy[$0]) * Double(gate[$0]) * sigmoid[$0] }
    expect(dup, expectedUp, relative: 1e-6) { 1e-38 * Double(abs(gate[$0])) + 0x1p-149 }
  }

  // MARK: Softmax

  /// Values close together, far apart, and so far apart that small ones vanish.
  static let scales: [Float] = [0, 1, 30, 3000, 1e30]

  /// log(sum(exp(x))) from parts of a row.
  private func logSumExp(_ x: [Float], parts: Int) -> Float {
    var (largest, sum) = (-Float.infinity, Float(0))
    for part in 0..<parts {
      let range = x.count * part / parts..<x.count * (part + 1) / parts
      unsafe vk_log_sum_exp_add(Array(x[range]), range.count, &largest, &sum)
    }
    return largest + log(sum)
  }

  @Test(arguments: kernelLengths, scales)
  func `softmax and log_sum_exp`(count: Int, scale: Float) {
    let x = values(count, 13, scale: scale)
    let expectedSum = ReferenceLayers.logSumExp(x.map(Double.init))
    let bound = 6e-7 + 2 * Self.roundoff * abs(expectedSum)
    var p = x + [canary]
    for sum in unsafe [
      logSumExp(x, parts: 1), logSumExp(x, parts: 3), vk_softmax(&p, count),
    ] {
      if count == 0 {
        #expect(sum == -.infinity)
      } else {
        #expect(abs(Double(sum) - expectedSum) <= bound)
      }
    }
    let shift = Double(x.max() ?? 0)
    // exp of a rounded difference: one rounding of the difference, relative to the result.
    let expected = ReferenceLayers.logSoftmax(x.map(Double.init)).map { exp($0) }
    expect(p, expected, relative: 0) { index in
      expected[index] * (1e-6 + Self.roundoff * min(90, shift - Double(x[index]))) + 2e-38
    }
    let total = p.dropLast().reduce(0.0) { $0 + Double($1) }
    #expect(count == 0 || abs(total - 1) < 1e-6)
  }

  @Test(arguments: kernelLengths, scales)
  func `softmax from the parts of a row is that of the row`(count: Int, scale: Float) {
    let x = values(count, 14, scale: scale)
    var p: [Float] = []
    var (largest, sum) = (-Float.infinity, Float(0))
    for part in 0..<3 {
      let range = count * part / 3..<count * (part + 1) / 3
      var next = Array(x[range]) + [canary]
      let factor = unsafe vk_softmax_add(&next, range.count, &largest, &sum)
      #expect(next.removeLast() == canary)
      p = p.map { $0 * factor } + next
    }
    #expect(largest == x.max() ?? -.infinity)
    let shift = Double(largest)
    let expected = ReferenceLayers.logSoftmax(x.map(Double.init)).map { exp($0) }
    expect(p.map { $0 / sum } + [canary], expected, relative: 0) { index in
      expected[index] * (2e-6 + 2 * Self.roundoff * min(90, shift - Double(x[index]))) + 4e-38
    }
  }

  @Test(arguments: [Float(1e30), -1e30, 3e38, -3e38, 0])
  func `softmax of equal values is even wherever they lie`(value: Float) {
    for count in [1, 15, 16, 17, 70] {
      var p = [Float](repeating: value, count: count)
      let sum = unsafe vk_softmax(&p, count)
      #expect(
        abs(Double(sum) - (Double(value) + log(Double(count)))) <= 1e-6 * Double(max(1, abs(value)))
      )
      #expect(p.allSatisfy { abs($0 * Float(count) - 1) < 1e-6 })
    }
  }

  @Test func `minus infinity has probability 0, and NaN is not hidden`() {
    for index in [0, 5, 20] {
      var p = [Float](repeating: 1, count: 21)
      p[index] = -.infinity
      _ = unsafe vk_softmax(&p, 21)
      #expect(p[index] < 1e-37 && abs(p[(index + 1) % 21] - 0.05) < 1e-7)
      var q = [Float](repeating: 1, count: 21)
      q[index] = .nan
      #expect(logSumExp(q, parts: 1).isNaN && logSumExp(q, parts: 4).isNaN)
      #expect(unsafe vk_softmax(&q, 21).isNaN)
      #expect(q.allSatisfy { $0.isNaN })
    }
  }

  /// The header promises 2e-7 between the ends of single precision.
  @Test func `exp_shifted is within 2e-7 of exp over its range`() {
    let count = 1_750_001
    let x = (0..<count).map { -87 + Float($0) * 1e-4 }
    var y = x
    unsafe vk_exp_shifted(Array(y), 0, &y, count)
    var worst = 0.0
    for (x, y) in zip(x, y) { worst = max(worst, abs(Double(y) / exp(Double(x)) - 1)) }
    #expect(worst < 2e-7)
  }

  @Test(arguments: kernelLengths)
  func `exp_shifted and softmax_backward`(count: Int) {
    let x = values(count, 14, scale: 20)
    var y = x + [canary]
    unsafe vk_exp_shifted(Array(y), 1.5, &y, count)
    var inPlace = x + [canary]
    unsafe inPlace.withUnsafeMutableBufferPointer {
      guard let base = $0.baseAddress else { return }
      unsafe vk_exp_shifted(base, 1.5, base, count)
    }
    #expect(inPlace == y)
    expect(y, x.map { exp(Double($0) - 1.5) }, relative: 2e-7 + 22 * Self.roundoff)
    let p = values(count, 15)
    let dp = values(count, 16)
    var ds = dp + [canary]
    unsafe vk_softmax_backward(p, 0.25, &ds, count)
    expect(ds, zip(p, dp).map { Double($0) * (Double($1) - 0.25) }, relative: 3 * Self.roundoff)
  }

  // MARK: Sums

  @Test(arguments: [(1, 1), (16, 16), (3, 70), (40, 5), (33, 17)])
  func `a matrix is transposed`(rows: Int, columns: Int) {
    let stride = columns + 2
    let x = (0..<rows * stride).map { Float($0) }
    var y = [Float](repeating: .nan, count: rows * columns) + [-7]
    unsafe vk_transpose(x, stride, rows, columns, &y)
    let expected = (0..<columns).flatMap { c in (0..<rows).map { x[$0 * stride + c] } }
    #expect(y == expected + [-7])
  }

  @Test(arguments: kernelLengths)
  func `add, dot and sum_of_squares`(count: Int) {
    let (x, y) = (values(count, 17), values(count, 18))
    var sum = y + [canary]
    unsafe vk_add(x, &sum, count)
    expect(sum, zip(x, y).map { Double($0) + Double($1) }, relative: Self.roundoff)
    var difference = y + [canary]
    unsafe vk_subtract(x, &difference, count)
    expect(difference, zip(x, y).map { Double($1) - Double($0) }, relative: Self.roundoff)
    var scaled = x + [canary]
    unsafe vk_scale(-0.7, &scaled, count)
    expect(scaled, x.map { Double(Float(-0.7)) * Double($0) }, relative: Self.roundoff)
    let products = zip(x, y).map { Double($0) * Double($1) }
    let size = products.reduce(0) { $0 + abs($1) }
    let dot = unsafe Double(vk_dot(x, y, count))
    #expect(
      abs(dot - products.reduce(0, +)) <= (Double(count) / 16 + 18) * Self.roundoff * size)
    let squares = unsafe vk_sum_of_squares(x, count)
    let expected = x.reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect(abs(squares - expected) <= 1e-13 * expected)
  }

  @Test func `sum_of_squares does not overflow where its root fits`() {
    let squares = unsafe vk_sum_of_squares([Float](repeating: 3e38, count: 33), 33)
    #expect(abs(squares / (33 * 9e76) - 1) < 1e-6)
  }
}
