import Model
import TestSupport
import Testing

/// A tiny model with an adapter, and what it computes for a batch.
struct NetworkSample {
  let tiny: TinyQwen
  let layout: AdapterLayout
  let model: QwenModel
  let adapter: [Float]

  init(
    _ tiny: TinyQwen, targets: [Projection] = Projection.allCases, rank: Int = 3,
    longest: Int = 80, seed: UInt64 = 13, dropout: Float = 0, precision: Precision = .float32
  ) throws {
    self.tiny = tiny
    layout = AdapterLayout(
      tiny.configuration,
      LoRAConfiguration(rank: rank, alpha: 6, dropout: dropout, targets: targets))
    model = try tiny.model(layout, longestSequence: longest, precision: precision)
    adapter = randomValues(layout.count, seed: seed).map { 0.2 * $0 }
  }

  func run(
    _ batches: [MicroBatch], adapter: [Float]? = nil,
    _ checkpointing: ActivationCheckpointing = .none
  ) -> (loss: Double, gradient: [Float]) {
    let adapter = adapter ?? self.adapter
    let activations = ActivationBuffer(
      ActivationPlan(fitting: batches, keepsForBackward: true, checkpointing: checkpointing),
      for: model)
    let gradients = FloatBuffer(count: layout.count)
    let loss = batches.reduce(0.0) { sum, batch in
      sum
        + model.forwardBackward(
          batch, adapter: FloatBuffer(adapter), dropout: nil, accumulatingInto: gradients,
          activations)
    }
    return (loss, gradients.array())
  }

  func logProbabilities(_ batch: MicroBatch) -> [Float] {
    let activations = ActivationBuffer(
      ActivationPlan(fitting: [batch], keepsForBackward: false), for: model)
    return model.logProbabilities(batch, adapter: FloatBuffer(adapter), activations)
  }

  /// Some sequence of tokens, different for each `stride`.
  static func tokens(_ count: Int, _ stride: Int) -> [Int32] {
    (0..<count).map { Int32(($0 * stride + stride) % 97) }
  }

  /// Loss on all tokens of one sequence, on the answers of others, and on none of the last.
  static var batches: [MicroBatch] {
    [(70, 31, 1), (1, 5, 1), (9, 17, 4), (2, 3, 1), (6, 11, 6)].map { count, stride, first in
      var batch = MicroBatch()
      batch.append(tokens(count, stride), targetsFrom: first)
      return batch
    }
  }

  static func packed(_ batches: [MicroBatch]) -> MicroBatch {
    var all = MicroBatch()
    for batch in batches {
      let start = all.tokens.count
      all.append(batch.tokens)
      for (row, token) in zip(batch.targetRows, batch.targetTokens) {
        all.addTarget(token, afterRow: start + row)
      }
    }
    return all
  }
}

struct NetworkTests {
  @Test(arguments: ["qwen2", "qwen3", "llama"], [true, false])
  func `log-probabilities follow the formulas in double precision`(
    type: String, isTied: Bool
  ) throws {
    for (heads, kvHeads) in [(4, 4), (4, 2), (7, 1)] {
      let sample = try NetworkSample(
        TinyQwen(type: type, heads: heads, kvHeads: kvHeads, tied: isTied))
      let batch = NetworkSample.packed(NetworkSample.batches)
      let expected = try ReferenceQwen(folder: sample.tiny.folder, layout: sample.layout)
        .logProbabilities(batch, adapter: sample.adapter)
      #expect(relativeError(sample.logProbabilities(batch), expected.map(Float.init)) < 2e-5)
      let loss = sample.run([batch], adapter: sample.adapter).loss
      #expect(abs(loss / -expected.reduce(0, +) - 1) < 1e-5)
    }
  }

  @Test(arguments: ["qwen2", "qwen3", "llama"])
  func `packed sequences give the loss and the gradients of separate ones`(type: String) throws {
    let sample = try NetworkSample(TinyQwen(type: type))
    let separate = sample.run(NetworkSample.batches, adapter: sample.adapter)
    let packed = sample.run(
      [NetworkSample.packed(NetworkSample.batches)], adapter: sample.adapter)
    #expect(abs(packed.loss / separate.loss - 1) < 1e-6)
    for tensor in sample.layout.tensors {
      let error = relativeError(
        Array(packed.gradient[tensor.range]), Array(separate.gradient[tensor.range]))
      #expect(error < 2e-5, "\(tensor.name)")
    }
  }

  @Test(arguments: ["qwen2", "qwen3", "llama"])
  func `answers of a few tokens follow the formulas too`(type: String) throws {
    let sample = try NetworkSample(TinyQwen(type: type))
    var batch = MicroBatch()
    for (count, stride, first) in [(20, 31, 19), (9, 17, 7), (14, 5, 13)] {
      batch.append(NetworkSample.tokens(count, stride), targetsFrom: first)
    }
    let expected = try ReferenceQwen(folder: sample.tiny.folder, layout: sample.layout)
      .logProbabilities(batch, adapter: sample.adapter)
    #expect(relativeError(sample.logProbabilities(batch), expected.map(Float.init)) < 2e-5)
    let kept = sample.run([batch], adapter: sample.adapter)
    #expect(abs(kept.loss / -expected.reduce(0, +) - 1) < 1e-5)
    let again = sample.run([batch], adapter: sample.adapter, .full)
    #expect(again.loss == kept.loss && again.gradient == kept.gradient)
  }

  @Test func `a row that is in the loss several times counts each time`() throws {
    let sample = try NetworkSample(TinyQwen())
    let pairs: [(row: Int, token: Int32)] = [(8, 1), (3, 7), (8, 1), (8, 96), (0, 0), (3, 7)]
    func batch(_ pairs: [(row: Int, token: Int32)]) -> MicroBatch {
      var batch = MicroBatch()
      batch.append(NetworkSample.tokens(9, 31))
      for pair in pairs { batch.addTarget(pair.token, afterRow: pair.row) }
      return batch
    }
    let together = sample.run([batch(pairs)], adapter: sample.adapter)
    let apart = sample.run(pairs.map { batch([$0]) }, adapter: sample.adapter)
    #expect(abs(together.loss / apart.loss - 1) < 1e-6)
    #expect(relativeError(together.gradient, apart.gradient) < 1e-5)
    let logProbabilities = sample.logProbabilities(batch(pairs))
    #expect(logProbabilities[0] == logProbabilities[2])
    #expect(abs(Double(logProbabilities.reduce(0, +)) + together.loss) < 1e-4)
  }

  @Test func `a batch without targets has no loss and no gradient`() throws {
    let sample = try NetworkSample(TinyQwen())
    var batch = MicroBatch()
    batch.append(NetworkSample.tokens(5, 3))
    let (loss, gradient) = sample.run([batch], adapter: sample.adapter)
    #expect(loss == 0 && gradient.allSatisfy { $0 == 0 })
  }

  /// Adapters whose B is zero change nothing, so the others' gradients cannot tell whether they are there.
  @Test(arguments: 1..<128)
  func `every set of target modules has the gradients of the full set`(bits: Int) throws {
    let targets = Projection.allCases.filter { bits >> $0.rawValue & 1 == 1 }
    let tiny = try TinyQwen(type: bits % 2 == 0 ? "qwen2" : "qwen3")
    let some = try NetworkSample(tiny, targets: targets)
    let all = try NetworkSample(tiny)
    var arena = [Float](repeating: 0, count: all.layout.count)
    for tensor in all.layout.tensors where tensor.name.contains("lora_A") {
      arena.replaceSubrange(tensor.range, with: randomValues(tensor.range.count, seed: 3))
    }
    for tensor in some.layout.tensors {
      let target = try #require(all.layout.tensors.first { $0.name == tensor.name })
      arena.replaceSubrange(target.range, with: some.adapter[tensor.range])
    }
    let batch = NetworkSample.packed(NetworkSample.batches)
    let alone = some.run([batch], adapter: some.adapter)
    let among = all.run([batch], adapter: arena)
    #expect(abs(alone.loss / among.loss - 1) < 1e-6)
    for tensor in some.layout.tensors {
      let target = try #require(all.layout.tensors.first { $0.name == tensor.name })
      let error = relativeError(
        Array(alone.gradient[tensor.range]), Array(among.gradient[target.range]))
      #expect(error < 1e-5, "\(tensor.name)")
    }
  }

  @Test(arguments: Projection.allCases)
  func `the gradient of one adapted projection is the derivative of the loss`(
    projection: Projection
  ) throws {
    let sample = try NetworkSample(TinyQwen(type: "qwen3"), targets: [projection])
    let batches = NetworkSample.batches
    let t = randomValues(sample.layout.count, seed: 14)
    let step: Float = 2e-3
    func loss(_ factor: Float) -> Double {
      sample.run(batches, adapter: zip(sample.adapter, t).map { $0 + factor * $1 }).loss
    }
    let expected = (loss(step) - loss(-step)) / (2 * Double(step))
    let gradient = sample.run(batches, adapter: sample.adapter).gradient
    let slope = zip(t, gradient).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    #expect(abs(slope - expected) <= 5e-3 * abs(expected) + 5e-3, "\(slope) and \(expected)")
  }

  @Test func `scoring in a larger plan gives the same bits`() throws {
    let sample = try NetworkSample(TinyQwen())
    let batch = NetworkSample.batches[2]
    let large = ActivationBuffer(
      ActivationPlan(tokens: 90, sequence: 80, targets: 90, keepsForBackward: true),
      for: sample.model)
    let scores = sample.model.logProbabilities(batch, adapter: FloatBuffer(sample.adapter), large)
    #expect(scores == sample.logProbabilities(batch))
  }
}
