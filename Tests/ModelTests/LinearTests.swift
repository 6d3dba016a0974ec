import Model
import TestSupport
import Testing

struct LinearTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let tokens: Int, inputs: Int, outputs: Int
    let type: ElementType
    var misalignment = 0
    var testDescription: String {
      "\(tokens) x \(inputs) -> \(outputs) \(type.rawValue) +\(misalignment)"
    }
  }

  /// Panels hold 2^18 elements: sizes below, at and beyond their edges, one row per panel, and single elements.
  static let cases: [Case] = [ElementType.float32, .float16, .bfloat16].flatMap { type in
    [
      Case(tokens: 1, inputs: 1, outputs: 1, type: type),
      Case(tokens: 5, inputs: 33, outputs: 17, type: type),
      Case(tokens: 3, inputs: 512, outputs: 512, type: type),
      Case(tokens: 3, inputs: 512, outputs: 513, type: type),
      Case(tokens: 2, inputs: 1000, outputs: 600, type: type),
      Case(tokens: 2, inputs: 1 << 18, outputs: 2, type: type),
      Case(tokens: 1, inputs: (1 << 18) + 1, outputs: 2, type: type),
    ] + [1, 2, 3, 4].map { Case(tokens: 4, inputs: 9, outputs: 7, type: type, misalignment: $0) }
  }

  private static func products(
    _ linear: Linear, tokens: Int, _ precision: Precision
  ) -> MatrixProducts {
    MatrixProducts(
      precision, panel: linear.weight.panelCount(precision),
      operand: tokens * max(linear.weight.rows, linear.weight.columns))
  }

  private func forward(
    _ linear: Linear, _ x: [Float], tokens: Int, _ precision: Precision = .float32
  ) -> [Float] {
    let y = FloatBuffer([Float](repeating: .nan, count: tokens * linear.weight.rows))
    let products = Self.products(linear, tokens: tokens, precision)
    let input = FloatBuffer(x)
    linear.forward(
      products.operand(input.matrix(tokens, linear.weight.columns).view, in: .first),
      into: y.matrix(tokens, linear.weight.rows), products)
    return y.array()
  }

  private func backward(
    _ linear: Linear, _ dy: [Float], tokens: Int, onto start: [Float],
    overwrites: Bool = false, _ precision: Precision = .float32
  ) -> [Float] {
    let dx = FloatBuffer(start)
    let products = Self.products(linear, tokens: tokens, precision)
    let gradient = FloatBuffer(dy)
    let dOutput = products.operand(gradient.matrix(tokens, linear.weight.rows).view, in: .first)
    let target = dx.matrix(tokens, linear.weight.columns)
    if overwrites {
      linear.backward(dOutput, into: target, products)
    } else {
      linear.backward(dOutput, accumulatingInto: target, products)
    }
    return dx.array()
  }

  @Test(arguments: cases, [false, true])
  func `forward gives x W^T + b`(sizes: Case, isBiased: Bool) throws {
    let sample = try SampleWeights(
      sizes.outputs, sizes.inputs, sizes.type, misalignment: sizes.misalignment)
    let bias = isBiased ? randomValues(sizes.outputs, seed: 2) : []
    let x = randomValues(sizes.tokens * sizes.inputs, seed: 3)
    let y = forward(Linear(weight: sample.weight, bias: bias), x, tokens: sizes.tokens)
    let expected = ReferenceLayers.linear(
      ReferenceMatrix(sizes.tokens, sizes.inputs, x), sample.reference, bias: bias)
    #expect(relativeError(y, expected.floats) < 3e-6)
  }

  @Test(arguments: cases)
  func `backward is the adjoint of forward and gives dy W`(sizes: Case) throws {
    let sample = try SampleWeights(
      sizes.outputs, sizes.inputs, sizes.type, misalignment: sizes.misalignment)
    let linear = Linear(weight: sample.weight, bias: randomValues(sizes.outputs, seed: 4))
    let count = sizes.tokens * sizes.inputs
    let error = adjointError(at: randomValues(count, seed: 5), seed: 6, step: 0.5) { x in
      forward(linear, x, tokens: sizes.tokens)
    } backward: { _, dy in
      backward(linear, dy, tokens: sizes.tokens, onto: [Float](repeating: 0, count: count))
    }
    #expect(error < 1e-4)
    let dy = randomValues(sizes.tokens * sizes.outputs, seed: 7)
    let start = randomValues(count, seed: 8)
    let expected =
      ReferenceMatrix(sizes.tokens, sizes.inputs, start)
      + ReferenceMatrix(sizes.tokens, sizes.outputs, dy) * sample.reference
    #expect(
      relativeError(backward(linear, dy, tokens: sizes.tokens, onto: start), expected.floats)
        < 3e-6)
  }

  @Test func `a bias of another size is refused`() async throws {
    let sample = try SampleWeights(3, 2)
    for (bias, condition) in [([1, 2], .failure), ([1, 2, 3], .success)]
      as [([Float], ExitTest.Condition)]
    {
      // The process that ends would not remove a folder of its own.
      await #expect(processExitsWith: condition) {
        [path = sample.folder.path as String, bias = bias as [Float]] in
        _ = Linear(weight: try WeightFolder(path: path).matrix("w", 3, 2), bias: bias)
      }
    }
  }
}
