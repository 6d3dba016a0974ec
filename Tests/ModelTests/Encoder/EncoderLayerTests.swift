import Foundation
import Model
import TestSupport
import Testing
import VectorKernels

struct EncoderLayerTests {
  private static let tolerance = 2e-3

  // MARK: LayerNorm

  private struct NormSample {
    let rows: Int, size: Int
    var layer: LayerNorm { LayerNorm(weight: 0, bias: size, size: size, epsilon: 1e-5) }

    func forward(_ x: [Float], _ parameters: [Float]) -> (y: [Float], moments: [Float]) {
      let y = FloatBuffer(count: x.count)
      let moments = FloatBuffer(count: 2 * rows)
      layer.forward(
        FloatBuffer(x).matrix(rows, size).view, FloatBuffer(parameters), into: y.matrix(rows, size),
        moments: moments.matrix(rows, 2))
      return (y.array(), moments.array())
    }

    func backward(
      _ dy: [Float], _ x: [Float], _ parameters: [Float], onto start: [Float]
    ) -> (dx: [Float], dParameters: [Float]) {
      let dx = FloatBuffer([Float](repeating: .nan, count: x.count))
      let gradients = FloatBuffer(start)
      layer.backward(
        FloatBuffer(dy).matrix(rows, size).view, x: FloatBuffer(x).matrix(rows, size).view,
        moments: FloatBuffer(forward(x, parameters).moments).matrix(rows, 2).view,
        FloatBuffer(parameters), into: dx.matrix(rows, size), accumulatingIntoParameters: gradients)
      return (dx.array(), gradients.array())
    }
  }

  // Of one or two elements, the normalised ones hardly depend on x.
  @Test(arguments: [3, 16, 33, 64], [false, true])
  func `backward of LayerNorm is the adjoint of forward`(size: Int, byParameters: Bool) {
    let sample = NormSample(rows: 5, size: size)
    let x = randomValues(5 * size, seed: 1).map { 0.5 + 2 * $0 }
    let parameters = randomValues(2 * size, seed: 2).map { 1 + 0.4 * $0 }
    let zeros = [Float](repeating: 0, count: 2 * size)
    let error = adjointError(at: byParameters ? parameters : x, seed: 3, step: 2e-3) {
      byParameters ? sample.forward(x, $0).y : sample.forward($0, parameters).y
    } backward: { point, c in
      byParameters
        ? sample.backward(c, x, point, onto: zeros).dParameters
        : sample.backward(c, point, parameters, onto: zeros).dx
    }
    #expect(error < Self.tolerance)
  }

  @Test(arguments: [1, 7, 16, 40, 384])
  func `LayerNorm follows its formula in double precision`(size: Int) {
    let sample = NormSample(rows: 3, size: size)
    let x = randomValues(3 * size, seed: 4).map { 3 + $0 }
    let parameters = randomValues(2 * size, seed: 5)
    let expected = (0..<3).flatMap { row -> [Float] in
      let values = x[row * size..<(row + 1) * size].map(Double.init)
      let mean = values.reduce(0, +) / Double(size)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
      return values.indices.map { index in
        let normed = (values[index] - mean) / (variance + 1e-5).squareRoot()
        return Float(Double(parameters[index]) * normed + Double(parameters[size + index]))
      }
    }
    #expect(relativeError(sample.forward(x, parameters).y, expected) < 3e-6)
  }

  @Test func `LayerNorm adds its parameters' gradients to what is there`() {
    let sample = NormSample(rows: 4, size: 9)
    let (x, dy) = (randomValues(36, seed: 6), randomValues(36, seed: 7))
    let (parameters, start) = (randomValues(18, seed: 8), randomValues(18, seed: 9))
    let fresh = sample.backward(dy, x, parameters, onto: [Float](repeating: 0, count: 18))
    let added = sample.backward(dy, x, parameters, onto: start)
    #expect(relativeError(added.dParameters, zip(start, fresh.dParameters).map(+)) < 1e-6)
    #expect(added.dx == fresh.dx)
  }

  // MARK: GELU

  /// The kernel's distribution function is off by at most 3e-7, its tail by less in proportion.
  @Test func `GELU and its derivative follow the error function in double precision`() {
    let x = (-1300...1300).map { Float($0) * 0.01 } + [0, -0.0, 1e-20, 80, -80]
    var (y, remade) = (x, x)
    var slope = [Float](repeating: 1, count: x.count)
    unsafe vk_gelu(x, &y, x.count)
    unsafe vk_gelu_backward(x, &slope, &remade, x.count)
    #expect(y == remade)
    for (index, value) in x.map(Double.init).enumerated() {
      let below = 0.5 * erfc(-value / 2.0.squareRoot())
      let bell = exp(-value * value / 2) / (2 * Double.pi).squareRoot()
      let bound = 3e-7 * max(1, abs(value))
      #expect(abs(Double(y[index]) - value * below) <= bound, "gelu(\(value))")
      #expect(abs(Double(slope[index]) - (below + value * bell)) <= 2 * bound, "gelu'(\(value))")
      if value < -1 && value > -6 {
        #expect(abs(Double(y[index]) / (value * below) - 1) < 2e-5, "tail at \(value)")
      }
    }
  }

  @Test(arguments: [1, 15, 16, 17, 70])
  func `backward of GELU is the adjoint of forward`(size: Int) {
    let error = adjointError(at: randomValues(2 * size, seed: 10).map { 3 * $0 }, seed: 11) { x in
      let y = FloatBuffer(count: x.count)
      GELU.forward(FloatBuffer(x).matrix(2, size).view, into: y.matrix(2, size))
      return y.array()
    } backward: { x, c in
      let gradient = FloatBuffer(c)
      let y = FloatBuffer(count: x.count)
      GELU.backward(
        x: FloatBuffer(x).matrix(2, size).view, scaling: gradient.matrix(2, size),
        remaking: y.matrix(2, size))
      return gradient.array()
    }
    #expect(error < Self.tolerance)
  }

  // MARK: Trained projections

  @Test(arguments: [0, 1, 2])
  func `backward of a trained projection is the adjoint of forward`(part: Int) {
    let (rows, inputs, outputs) = (6, 9, 5)
    let layer = TrainableLinear(
      weight: 2, bias: 2 + outputs * inputs, outputs: outputs, inputs: inputs)
    let count = 2 + outputs * (inputs + 1)
    let parts = [0..<rows * inputs, 2..<2 + outputs * inputs, 2 + outputs * inputs..<count]
    let products = MatrixProducts(.float32)
    let x = randomValues(rows * inputs, seed: 12)
    let parameters = randomValues(count, seed: 13)
    func whole(_ values: [Float]) -> (x: [Float], parameters: [Float]) {
      guard part > 0 else { return (values, parameters) }
      var changed = parameters
      changed.replaceSubrange(parts[part], with: values)
      return (x, changed)
    }
    let error = adjointError(at: part == 0 ? x : Array(parameters[parts[part]]), seed: 14) {
      let (x, parameters) = whole($0)
      let y = FloatBuffer(count: rows * outputs)
      layer.forward(
        FloatBuffer(x).matrix(rows, inputs).view, FloatBuffer(parameters),
        into: y.matrix(rows, outputs), products)
      return y.array()
    } backward: { values, c in
      let (x, parameters) = whole(values)
      let dx = FloatBuffer(count: rows * inputs)
      let gradients = FloatBuffer(count: count)
      let output = FloatBuffer(c)
      let operand = products.operand(output.matrix(rows, outputs).view, in: .first)
      layer.backward(operand, FloatBuffer(parameters), into: dx.matrix(rows, inputs), products)
      layer.backward(
        output.matrix(rows, outputs).view, operand, x: FloatBuffer(x).matrix(rows, inputs).view,
        accumulatingIntoParameters: gradients, products)
      return part == 0 ? dx.array() : Array(gradients.array()[parts[part]])
    }
    #expect(error < Self.tolerance)
  }
}
