import Model
import TestSupport
import Testing

/// AdamW in double precision, as PyTorch defines it.
private struct ReferenceAdamW {
  let weightDecay: Double
  var parameters: [Double], first: [Double], second: [Double]
  var step = 0

  init(_ parameters: [Float], weightDecay: Double) {
    self.weightDecay = weightDecay
    self.parameters = parameters.map(Double.init)
    first = [Double](repeating: 0, count: parameters.count)
    second = first
  }

  mutating func update(_ gradients: [Float], scale: Double, learningRate: Double) {
    step += 1
    var (power1, power2) = (1.0, 1.0)
    for _ in 0..<step { (power1, power2) = (power1 * 0.9, power2 * 0.999) }
    for (i, gradient) in gradients.enumerated() {
      let g = Double(gradient) * scale
      parameters[i] -= learningRate * weightDecay * parameters[i]
      first[i] = 0.9 * first[i] + 0.1 * g
      second[i] = 0.999 * second[i] + 0.001 * g * g
      let (m, v) = (first[i] / (1 - power1), second[i] / (1 - power2))
      parameters[i] -= learningRate * m / (v.squareRoot() + 1e-8)
    }
  }
}

struct AdamWTests {
  /// Twenty steps may lose twenty roundings of an update each; the moments are sums that shrink.
  @Test(arguments: [1, 7, 16, 33, 70, 1000], [Float(0), 0.01, 0.5])
  func `twenty steps follow the reference`(count: Int, weightDecay: Float) {
    let start = randomValues(count, seed: 1)
    var reference = ReferenceAdamW(start, weightDecay: Double(weightDecay))
    let optimizer = AdamW(weightDecay: weightDecay)
    let parameters = FloatBuffer(start)
    let first = FloatBuffer(count: count)
    let second = FloatBuffer(count: count)
    let rate = 0.01
    for step in 1...20 {
      // Gradients from 1e-10, where epsilon counts, to 100, and some that stay zero.
      let gradients = randomValues(count, seed: UInt64(step)).enumerated().map { index, value in
        index % 5 == 4 ? 0 : value * [1e-10, 1e-4, 1, 100][index % 4]
      }
      optimizer.update(
        parameters, gradients.span, firstMoment: first, secondMoment: second,
        gradientScale: 0.25, learningRate: rate, step: step)
      reference.update(gradients, scale: 0.25, learningRate: rate)
      let errors = zip(parameters.array(), reference.parameters).map { abs(Double($0) - $1) }
      #expect((errors.max() ?? 0) < Double(step) * (rate * 2e-6 + 0x1p-24), "step \(step)")
    }
    #expect(relativeError(first.array(), reference.first.map(Float.init)) < 1e-6)
    #expect(relativeError(second.array(), reference.second.map(Float.init)) < 1e-6)
  }

  @Test func `the first step moves every parameter by the learning rate against its gradient`() {
    let optimizer = AdamW(weightDecay: 0)
    let parameters = FloatBuffer([1, 1, 1, 1])
    optimizer.update(
      parameters, [5, -5, 1e-3, 0].span, firstMoment: FloatBuffer(count: 4),
      secondMoment: FloatBuffer(count: 4), gradientScale: 1, learningRate: 0.125, step: 1)
    for (actual, expected) in zip(parameters.array(), [0.875, 1.125, 0.875, 1] as [Float]) {
      #expect(abs(actual - expected) < 3e-6)
    }
  }

  @Test func `a learning rate of zero changes the moments alone`() {
    let optimizer = AdamW(weightDecay: 0.1)
    let parameters = FloatBuffer([1, -2])
    let first = FloatBuffer(count: 2)
    let second = FloatBuffer(count: 2)
    optimizer.update(
      parameters, [3, 4].span, firstMoment: first, secondMoment: second, gradientScale: 1,
      learningRate: 0, step: 1)
    #expect(parameters.array() == [1, -2])
    #expect(relativeError(first.array(), [0.3, 0.4]) < 1e-6)
    #expect(relativeError(second.array(), [0.009, 0.016]) < 1e-6)
  }
}

struct GradientClippingTests {
  @Test(arguments: [0, 1, 15, 16, 17, 1000])
  func `the norm is that of the whole arena`(count: Int) {
    let values = randomValues(count, seed: 1)
    let expected = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(abs(FloatBuffer(values).norm - expected) <= 1e-12 * expected)
  }

  @Test(
    arguments: [
      (0.5, 1.0, 1.0), (1, 1, 1 / (1 + 1e-6)), (4, 1, 0.25), (4, 0, 1), (0, 1, 1), (1e30, 1, 1e-30),
    ] as [(Double, Double, Double)])
  func `the coefficient shortens long gradients alone`(
    norm: Double, maximum: Double, expected: Double
  ) {
    let coefficient = GradientClipping.coefficient(norm: norm, maximum: maximum)
    #expect(abs(Double(coefficient) / expected - 1) < 1e-6)
    #expect(coefficient <= 1)
  }
}
