import Foundation
import Model
import TestSupport
import Testing

struct CrossEntropyTests {
  private static let rows = 8, hidden = 12, vocabulary = 97
  /// Rows of logits at once: one (even where a row is larger than the chunk), several with a rest, exactly all, more.
  static let chunks = [
    (50, 1), (97, 1), (97 * 3 + 5, 3), (97 * 4, 4), (97 * 8, 8), (1 << 24, 172_960),
  ]
  static let types: [ElementType] = [.float32, .float16, .bfloat16]

  private let targets: [Int32] = [0, 96, 5, 5, 41, 0, 77, 96]

  private func forwardBackward(
    _ layer: CrossEntropy, _ x: [Float], _ targets: [Int32]? = nil
  ) -> (loss: Double, dx: [Float], logProbabilities: [Float]) {
    let input = FloatBuffer(x)
    let targets = targets ?? self.targets
    let rows = min(layer.chunkRows(.float32), Self.rows)
    let scratch = Scratch(
      MatrixProducts(.float32, panel: layer.head.weight.panelCount(.float32)),
      logits: rows * layer.panelRows(.float32), logitRows: rows, headRow: Self.hidden)
    let dx = FloatBuffer([Float](repeating: .nan, count: x.count))
    let losses = FloatBuffer(count: Self.rows)
    layer.forwardBackward(
      input.matrix(Self.rows, Self.hidden).view, targets: targets,
      into: dx.matrix(Self.rows, Self.hidden), losses: losses.matrix(Self.rows, 1),
      scratch: scratch)
    let loss = losses.array().reduce(0.0) { $0 + Double($1) }
    let logProbabilities = layer.logProbabilities(
      input.matrix(Self.rows, Self.hidden).view, targets: targets, scratch: scratch)
    return (loss, dx.array(), logProbabilities)
  }

  @Test(arguments: chunks, types)
  func `loss and gradient follow the formulas whatever the chunks`(
    chunk: (elements: Int, rows: Int), type: ElementType
  ) throws {
    let sample = try SampleWeights(Self.vocabulary, Self.hidden, type)
    let layer = CrossEntropy(head: Linear(weight: sample.weight), chunkElements: chunk.elements)
    #expect(layer.chunkRows(.float32) == chunk.rows)
    let x = randomValues(Self.rows * Self.hidden, seed: 1).map { 4 * $0 }
    try expectFormulas(layer, x, sample, targets)
  }

  /// Vocabularies of several panels, in the first, a middle and the last of which the largest logits are.
  @Test(arguments: [0, 1000, 2499], types)
  func `a vocabulary of several panels goes by once`(largest: Int, type: ElementType) throws {
    let sample = try SampleWeights(2500, Self.hidden, type)
    let layer = CrossEntropy(head: Linear(weight: sample.weight))
    #expect(layer.panelRows(.float32) < 1250)
    let direction = sample.reference.row(largest)
    let x = (0..<Self.rows).flatMap { row in direction.map { Float($0) * Float(3 * row) } }
    let noise = randomValues(x.count, seed: 5)
    try expectFormulas(
      layer, zip(x, noise).map { $0 + $1 }, sample, [0, 2499, 959, 960, 961, 1919, 1920, 1000])
  }

  private func expectFormulas(
    _ layer: CrossEntropy, _ x: [Float], _ sample: SampleWeights, _ targets: [Int32]
  ) throws {
    let (loss, dx, logProbabilities) = forwardBackward(layer, x, targets)
    let logits = ReferenceMatrix(Self.rows, Self.hidden, x).timesTransposed(sample.reference)
    var dLogits = logits
    var expected: [Double] = []
    for (row, target) in targets.enumerated() {
      let logSoftmax = ReferenceLayers.logSoftmax(logits.row(row))
      expected.append(logSoftmax[Int(target)])
      for (column, value) in logSoftmax.enumerated() {
        dLogits[row, column] = exp(value) - (column == Int(target) ? 1 : 0)
      }
    }
    #expect(abs(loss + expected.reduce(0, +)) < 1e-5)
    #expect(relativeError(logProbabilities, expected.map(Float.init)) < 1e-6)
    #expect(relativeError(dx, (dLogits * sample.reference).floats) < 3e-6)
  }

  @Test(arguments: chunks.map(\.0))
  func `backward is the derivative of the loss`(chunkElements: Int) throws {
    let sample = try SampleWeights(Self.vocabulary, Self.hidden)
    let layer = CrossEntropy(head: Linear(weight: sample.weight), chunkElements: chunkElements)
    let x = randomValues(Self.rows * Self.hidden, seed: 2)
    let t = randomValues(x.count, seed: 3)
    let step: Float = 1e-2
    let ahead = forwardBackward(layer, zip(x, t).map { $0 + step * $1 }).loss
    let behind = forwardBackward(layer, zip(x, t).map { $0 - step * $1 }).loss
    let slope = zip(t, forwardBackward(layer, x).dx).reduce(0.0) { $0 + Double($1.0 * $1.1) }
    let expected = (ahead - behind) / (2 * Double(step))
    #expect(abs(slope - expected) < 1e-3 * max(1, abs(expected)))
  }

  @Test func `logits far apart give finite losses`() throws {
    let sample = try SampleWeights(Self.vocabulary, Self.hidden)
    let layer = CrossEntropy(head: Linear(weight: sample.weight))
    let x = randomValues(Self.rows * Self.hidden, seed: 4).map { 3000 * $0 }
    let (loss, dx, logProbabilities) = forwardBackward(layer, x)
    let logits = ReferenceMatrix(Self.rows, Self.hidden, x).timesTransposed(sample.reference)
    let expected = targets.enumerated().map {
      ReferenceLayers.logSoftmax(logits.row($0))[Int($1)]
    }
    #expect(abs(loss / -expected.reduce(0, +) - 1) < 1e-6)
    #expect(relativeError(logProbabilities, expected.map(Float.init)) < 1e-6)
    #expect(dx.allSatisfy { $0.isFinite })
  }
}
