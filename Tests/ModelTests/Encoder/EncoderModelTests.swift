import Foundation
import Model
import TestSupport
import Testing

struct EncoderModelTests {
  private static let parts = [
    "word_embeddings", "position_embeddings", "token_type", "LayerNorm", "layer_norm", "query",
    "q_lin", "value", "v_lin", "attention", "intermediate", "ffn", "output", "pooler",
    "pre_classifier", "classifier", "",
  ]

  /// The whole network in one: the loss's derivative along one direction in each kind of parameter, dropout on.
  @Test(arguments: TinyEncoder.families, [(1, Float(0.3)), (2, 0), (2, 0.3), (3, 0.1)])
  func `backward of the encoder is the derivative of its loss`(
    family: String, depth: (layers: Int, dropout: Float)
  ) throws {
    let tiny = try TinyEncoder(family, layers: depth.layers, dropout: depth.dropout)
    let dropout = EncoderDropout(tiny.configuration, seed: 5, microBatch: 7)
    let gradient = tiny.run(tiny.parameters, tiny.batch, dropout: dropout).gradient
    for part in Self.parts {
      let ranges = tiny.model.layout.tensors.filter { $0.name.contains(part) }.map(\.range)
      if ranges.isEmpty { continue }
      let random = randomValues(tiny.parameters.count, seed: 14)
      var direction = [Float](repeating: 0, count: random.count)
      for range in ranges { direction.replaceSubrange(range, with: random[range]) }
      let step: Float = 2e-3
      func loss(_ sign: Float) -> Double {
        let moved = zip(tiny.parameters, direction).map { $0 + sign * step * $1 }
        return tiny.run(moved, tiny.batch, dropout: dropout).loss
      }
      let expected = (loss(1) - loss(-1)) / (2 * Double(step))
      let slope = zip(direction, gradient).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      #expect(
        abs(slope - expected) <= 1e-2 * abs(expected) + 2e-3, "\(part): \(slope), \(expected)")
    }
  }

  @Test(arguments: TinyEncoder.families)
  func `questions by themselves sum to questions together`(family: String) throws {
    let tiny = try TinyEncoder(family)
    let whole = tiny.run(tiny.parameters, tiny.batch)
    var loss = 0.0
    var sum = [Float](repeating: 0, count: tiny.parameters.count)
    for one in tiny.batch.separated {
      let result = tiny.run(tiny.parameters, one)
      loss += result.loss
      sum = zip(sum, result.gradient).map(+)
    }
    #expect(abs(loss - whole.loss) < 1e-5)
    #expect(relativeError(sum, whole.gradient) < 1e-5)
  }

  @Test(arguments: TinyEncoder.families)
  func `the order of options changes the order of logits alone`(family: String) throws {
    let tiny = try TinyEncoder(family)
    let batch = tiny.batch
    let options = batch.questions[1].map { batch.pair($0) }
    var turned = ChoiceBatch()
    turned.append([options[2], options[0], options[1]], answer: nil)
    var straight = ChoiceBatch()
    straight.append(options, answer: nil)
    let activations = EncoderActivations(
      EncoderPlan(fitting: [turned, batch], keepsForBackward: false), for: tiny.model)
    let parameters = FloatBuffer(tiny.parameters)
    let one = tiny.model.logits(straight, parameters: parameters, activations)[0]
    let other = tiny.model.logits(turned, parameters: parameters, activations)[0]
    #expect(relativeError(other, [one[2], one[0], one[1]]) < 1e-5)
  }

  @Test func `masks differ by seed and micro-batch and repeat for the same`() throws {
    let tiny = try TinyEncoder("bert", dropout: 0.2)
    func loss(_ seed: UInt64, _ microBatch: Int) -> Double {
      tiny.run(
        tiny.parameters, tiny.batch,
        dropout: EncoderDropout(tiny.configuration, seed: seed, microBatch: microBatch)
      ).loss
    }
    let plain = tiny.run(tiny.parameters, tiny.batch).loss
    #expect(Set([loss(1, 1), loss(2, 1), loss(1, 2), plain]).count == 4)
    #expect(loss(1, 1) == loss(1, 1))
  }

  @Test(arguments: TinyEncoder.families)
  func `evaluation gives the logits of training without dropout`(family: String) throws {
    let tiny = try TinyEncoder(family)
    let parameters = FloatBuffer(tiny.parameters)
    let results = [false, true].map { keeps in
      tiny.model.logits(
        tiny.batch, parameters: parameters,
        EncoderActivations(
          EncoderPlan(fitting: [tiny.batch], keepsForBackward: keeps), for: tiny.model))
    }
    #expect(results[0] == results[1])
    #expect(results[0].map(\.count) == [2, 3])
  }

  @Test func `the loss of a question is its smoothed cross-entropy`() {
    var batch = ChoiceBatch()
    let pair = EncodedPair(tokens: [1], types: [0])
    batch.append([pair, pair, pair, pair], answer: 2)
    batch.append([pair], answer: 0)
    let logits = FloatBuffer([0.5, -1, 2, 0, 7])
    let gradient = FloatBuffer(count: 5)
    let loss = ChoiceLoss(smoothing: 0.2).forwardBackward(
      logits.matrix(5, 1).view, batch, into: gradient.matrix(5, 1))
    let logSum = log(exp(0.5) + exp(-1) + exp(2) + 1)
    let mean = (0.5 - 1 + 2 + 0) / 4
    #expect(abs(loss - (0.8 * (logSum - 2) + 0.2 * (logSum - mean))) < 1e-6)
    #expect(abs(gradient.array().reduce(0, +)) < 1e-6)
    #expect(gradient.array()[4] == 0)
  }

  @Test(arguments: TinyEncoder.families)
  func `a gradient is zero outside of what its batch touches`(family: String) throws {
    let tiny = try TinyEncoder(family, vocabulary: 200)
    let gradient = tiny.run(tiny.parameters, tiny.batch).gradient
    let ranges = tiny.model.touchedRanges(tiny.batch)
    let touched = ranges.reduce(into: [Bool](repeating: false, count: gradient.count)) {
      for index in $1 { $0[index] = true }
    }
    #expect(zip(gradient, touched).allSatisfy { $1 || $0 == 0 })
    let words = try #require(tiny.model.layout.tensors.last)
    #expect(words.name.hasSuffix("word_embeddings.weight"))
    let rows = touched[words.range].count { $0 } / words.shape[1]
    #expect(rows == Set(tiny.batch.tokens).count)
    #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
  }

  @Test(arguments: TinyEncoder.families)
  func `weight decay leaves out biases and LayerNorms and nothing else`(family: String) throws {
    let layout = try TinyEncoder(family).model.layout
    for tensor in layout.tensors {
      #expect(tensor.decays == (tensor.shape.count == 2), "\(tensor.name)")
      #expect(layout.tensor(at: tensor.range.lowerBound) == tensor)
    }
    let sections = layout.decaySections
    #expect(sections.map(\.range.lowerBound) == [0] + sections.dropLast().map(\.range.upperBound))
    #expect(sections.last?.range.upperBound == layout.count)
    for (range, decays) in sections {
      #expect(
        layout.tensors.filter { range.contains($0.offset) }.allSatisfy { $0.decays == decays })
    }
  }

  @Test(.enabled(if: Precision.bfloat16.obstacle == nil))
  func `bfloat16 products stay near those of 32 bits`() throws {
    let exact = try TinyEncoder("bert", hidden: 32, intermediate: 64)
    let rounded = try TinyEncoder("bert", hidden: 32, intermediate: 64, precision: .bfloat16)
    let expected = exact.run(exact.parameters, exact.batch)
    let actual = rounded.run(exact.parameters, exact.batch)
    #expect(abs(actual.loss / expected.loss - 1) < 0.03)
    #expect(relativeError(actual.gradient, expected.gradient) < 0.2)
    #expect(actual.gradient != expected.gradient)
  }
}

extension ChoiceBatch {
  /// One sequence with its types.
  func pair(_ sequence: Int) -> EncodedPair {
    EncodedPair(
      tokens: Array(tokens[sequences[sequence]]), types: Array(types[sequences[sequence]]))
  }

  /// The questions, each as a batch of its own.
  var separated: [ChoiceBatch] {
    questions.indices.map { question in
      var one = ChoiceBatch()
      one.append(questions[question].map(pair), answer: answers[question])
      return one
    }
  }
}
