import Model
import TestSupport
import Testing

struct LayerAdjointTests {
  private static let tolerance = 2e-3

  @Test(arguments: [(1, 3), (5, 16), (7, 33)])
  func `backward of RMSNorm is the adjoint of forward`(rows: Int, size: Int) {
    let weight = randomValues(size, seed: 3).map { 1 + 0.3 * $0 }
    let norm = RMSNorm(weight: weight, epsilon: 1e-6)
    let columns = 2 * size
    func forward(_ x: [Float], _ inverse: borrowing FloatBuffer) -> [Float] {
      let y = FloatBuffer(count: x.count)
      norm.forward(
        FloatBuffer(x).matrix(rows, columns).view, into: y.matrix(rows, columns),
        inverseRMS: inverse.matrix(rows, 2))
      return y.array()
    }
    let error = adjointError(at: randomValues(rows * columns, seed: 7), seed: 11, step: 1e-3) { x in
      forward(x, FloatBuffer(count: rows * 2))
    } backward: { x, c in
      let inverse = FloatBuffer(count: rows * 2)
      _ = forward(x, inverse)
      let dx = FloatBuffer(count: x.count)
      norm.backward(
        FloatBuffer(c).matrix(rows, columns).view, x: FloatBuffer(x).matrix(rows, columns).view,
        inverseRMS: inverse.matrix(rows, 2).view, accumulatingInto: dx.matrix(rows, columns))
      return dx.array()
    }
    #expect(error < Self.tolerance)
  }

  @Test(arguments: [1, 17, 40])
  func `backward of SwiGLU is the adjoint of forward`(size: Int) {
    let rows = 3
    let count = rows * size
    let error = adjointError(at: randomValues(2 * count, seed: 5), seed: 23) { x in
      let y = FloatBuffer(count: count)
      let input = FloatBuffer(x)
      SwiGLU.forward(
        gate: input.matrix(rows, size).view, up: input.matrix(rows, size, at: count).view,
        into: y.matrix(rows, size))
      return y.array()
    } backward: { x, c in
      let input = FloatBuffer(x)
      let gradient = FloatBuffer(count: 2 * count)
      SwiGLU.backward(
        FloatBuffer(c).matrix(rows, size).view, gate: input.matrix(rows, size).view,
        up: input.matrix(rows, size, at: count).view, intoGate: gradient.matrix(rows, size),
        intoUp: gradient.matrix(rows, size, at: count))
      return gradient.array()
    }
    #expect(error < Self.tolerance)
  }

  @Test(arguments: [[0..<6], [0..<1, 1..<9], [0..<3, 3..<70]])
  func `backward of rotary positions is the adjoint of forward`(sequences: [Range<Int>]) {
    let (heads, size) = (3, 8)
    let rows = sequences.last?.upperBound ?? 0
    let rotary = RotaryEmbedding(headSize: size, theta: 10000, positions: 80)
    let error = adjointError(at: randomValues(rows * heads * size, seed: 9), seed: 31) { x in
      let y = FloatBuffer(x)
      rotary.forward(
        y.matrix(rows, heads * size), sequences: sequences.map { PackedSequence(rows: $0) })
      return y.array()
    } backward: { _, c in
      let dx = FloatBuffer(c)
      rotary.backward(
        dx.matrix(rows, heads * size), sequences: sequences.map { PackedSequence(rows: $0) })
      return dx.array()
    }
    #expect(error < Self.tolerance)
  }

  /// The whole network in one: embedding to loss, by every adapter parameter, dropout on.
  @Test(arguments: ["qwen2", "qwen3", "llama"], [Float(0), 0.3])
  func `backward of the network is the derivative of its loss`(type: String, dropout: Float) throws
  {
    let tiny = try TinyQwen(type: type, kvHeads: type == "qwen3" ? 1 : 2)
    let lora = LoRAConfiguration(
      rank: 3, alpha: 6, dropout: dropout, targets: Projection.allCases)
    let layout = AdapterLayout(tiny.configuration, lora)
    let model = try tiny.model(layout, longestSequence: 80)
    var batch = MicroBatch()
    batch.append((0..<70).map { Int32(($0 * 31) % 97) }, targetsFrom: 1)
    batch.append((0..<9).map { Int32(($0 * 17) % 97) }, targetsFrom: 4)
    let activations = ActivationBuffer(
      ActivationPlan(fitting: [batch], keepsForBackward: true), for: model)
    let mask = Dropout(probability: dropout, seed: 77, microBatch: 3)
    func run(_ x: [Float]) -> (loss: Double, gradient: [Float]) {
      let gradients = FloatBuffer(count: layout.count)
      let loss = model.forwardBackward(
        batch, adapter: FloatBuffer(x), dropout: mask, accumulatingInto: gradients, activations)
      return (loss, gradients.array())
    }
    let x = randomValues(layout.count, seed: 13).map { 0.2 * $0 }
    let direction = randomValues(layout.count, seed: 14)
    let step: Float = 2e-3
    let ahead = run(zip(x, direction).map { $0 + step * $1 }).loss
    let behind = run(zip(x, direction).map { $0 - step * $1 }).loss
    let slope = zip(direction, run(x).gradient).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let expected = (ahead - behind) / (2 * Double(step))
    #expect(abs(slope - expected) <= 1e-2 * abs(expected) + 1e-2, "\(slope) against \(expected)")
  }
}

struct DropoutTests {
  @Test func `backward applies the mask of forward`() throws {
    let (rows, columns) = (13, 37)
    let dropout = try #require(Dropout(probability: 0.3, seed: 5, microBatch: 2))
    let ones = FloatBuffer([Float](repeating: 1, count: rows * columns))
    let mask = FloatBuffer(count: rows * columns)
    let masks = DropoutMasks(byteCount: rows * columns)
    let bits = masks.mask(rows * columns)
    dropout.forward(
      ones.matrix(rows, columns).view, module: 4, mask: bits, into: mask.matrix(rows, columns))
    let dx = FloatBuffer(count: rows * columns)
    dropout.backward(
      ones.matrix(rows, columns).view, mask: bits, accumulatingInto: dx.matrix(rows, columns))
    #expect(dx.array() == mask.array())
    #expect(Set(mask.array()).count == 2)
  }

  @Test(arguments: [Float(0.05), 0.1, 0.5, 0.9])
  func `the share of zeros is the probability and the mean stays`(probability: Float) throws {
    let count = 100_000
    let dropout = try #require(Dropout(probability: probability, seed: 6, microBatch: 1))
    let ones = FloatBuffer([Float](repeating: 1, count: count))
    let mask = FloatBuffer(count: count)
    let masks = DropoutMasks(byteCount: count)
    dropout.forward(ones.row().view, module: 0, mask: masks.mask(count), into: mask.row())
    let zeros = mask.array().count { $0 == 0 }
    let deviation = (Double(probability * (1 - probability)) / Double(count)).squareRoot()
    #expect(abs(Double(zeros) / Double(count) - Double(probability)) < 5 * deviation)
    let mean = mask.array().reduce(0.0) { $0 + Double($1) } / Double(count)
    #expect(abs(mean - 1) < 5 * deviation / Double(1 - probability))
  }

  @Test func `masks differ by seed, micro-batch and module and repeat for the same`() throws {
    func mask(_ seed: UInt64, _ microBatch: Int, _ module: Int) throws -> [Float] {
      let dropout = try #require(Dropout(probability: 0.5, seed: seed, microBatch: microBatch))
      let mask = FloatBuffer(count: 256)
      dropout.forward(
        FloatBuffer([Float](repeating: 1, count: 256)).row().view, module: module,
        mask: DropoutMasks(byteCount: 32).mask(256), into: mask.row())
      return mask.array()
    }
    let masks = try [mask(1, 1, 1), mask(2, 1, 1), mask(1, 2, 1), mask(1, 1, 2)]
    #expect(Set(masks).count == 4)
    #expect(try mask(1, 1, 1) == masks[0])
  }

  @Test func `nothing is dropped with probability 0`() {
    #expect(Dropout(probability: 0, seed: 1, microBatch: 1) == nil)
  }
}
