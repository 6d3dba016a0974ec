import Foundation
import Model
import TestSupport
import Testing

/// Attention of packed sequences whose tokens all see each other.
struct BidirectionalAttentionTests {
  private static let lengths = [1, 63, 64, 65, 130]
  private let layer = GroupedQueryAttention(heads: 2, kvHeads: 2, headSize: 6, isCausal: false)
  private let sequences: [Range<Int>]
  private let tokens: Int
  private var columns: Int { layer.heads * layer.headSize }
  private var part: Int { tokens * columns }

  init() {
    var start = 0
    sequences = Self.lengths.map { length in
      defer { start += length }
      return start..<start + length
    }
    tokens = start
  }

  private struct Result {
    var output: [Float], logSumExp: [Float], gradient: [Float]
  }

  /// Queries, keys and values one behind the other, as are their gradients.
  private func run(_ input: [Float], dropout: Dropout?, dOutput: [Float]? = nil) -> Result {
    let x = FloatBuffer(input)
    let output = FloatBuffer([Float](repeating: .nan, count: part))
    let logSumExp = FloatBuffer([Float](repeating: .nan, count: tokens * layer.heads))
    let gradient = FloatBuffer(count: input.count)
    let scratch = Scratch(
      MatrixProducts(.float32),
      scores: GroupedQueryAttention.scoresCount(length: 130, hasDropout: true))
    let bits = GroupedQueryAttention.maskBits(heads: layer.heads, lengths: Self.lengths)
    let masks = DropoutMasks(byteCount: bits / 8)
    dropout?.draw(bits, module: 1, masks.mask(bits))
    let dropping = GroupedQueryAttention.Dropping(dropout, masks.mask(bits))
    layer.forward(
      q: x.matrix(tokens, columns).view, k: x.matrix(tokens, columns, at: part).view,
      v: x.matrix(tokens, columns, at: 2 * part).view,
      sequences: sequences.map { PackedSequence(rows: $0) }, dropping: dropping,
      into: output.matrix(tokens, columns), logSumExp: logSumExp.matrix(tokens, layer.heads),
      scratch: scratch)
    if let dOutput {
      layer.backward(
        FloatBuffer(dOutput).matrix(tokens, columns).view, q: x.matrix(tokens, columns).view,
        k: x.matrix(tokens, columns, at: part).view,
        v: x.matrix(tokens, columns, at: 2 * part).view,
        output: output.matrix(tokens, columns).view,
        logSumExp: logSumExp.matrix(tokens, layer.heads).view,
        sequences: sequences.map { PackedSequence(rows: $0) },
        dropping: dropping, accumulatingIntoQ: gradient.matrix(tokens, columns),
        k: gradient.matrix(tokens, columns, at: part),
        v: gradient.matrix(tokens, columns, at: 2 * part), scratch: scratch)
    }
    return Result(
      output: output.array(), logSumExp: logSumExp.array(), gradient: gradient.array())
  }

  private func input(_ seed: UInt64) -> [Float] {
    randomValues(3 * part, seed: seed).map { 2 * $0 }
  }

  @Test func `forward gives the softmax's mixture of all values of the sequence`() {
    let input = input(1)
    var expected = [Float](repeating: 0, count: part)
    let (size, scale) = (layer.headSize, 1 / Double(layer.headSize).squareRoot())
    for (sequence, head) in sequences.flatMap({ s in (0..<layer.heads).map { (s, $0) } }) {
      func row(_ which: Int, _ token: Int) -> [Double] {
        let start = which * part + token * columns + head * size
        return input[start..<start + size].map(Double.init)
      }
      for query in sequence {
        let q = row(0, query)
        let weights = sequence.map { key in
          exp(scale * zip(q, row(1, key)).reduce(0) { $0 + $1.0 * $1.1 })
        }
        let sum = weights.reduce(0, +)
        for (key, weight) in zip(sequence, weights) {
          for (index, value) in row(2, key).enumerated() {
            expected[query * columns + head * size + index] += Float(weight / sum * value)
          }
        }
      }
    }
    #expect(relativeError(run(input, dropout: nil).output, expected) < 3e-6)
  }

  @Test(arguments: [0, 1, 2], [Float(0), 0.3])
  func `backward is the adjoint of forward in q, k and v`(which: Int, probability: Float) {
    let dropout = Dropout(probability: probability, seed: 3, microBatch: 4)
    let input = input(2)
    let range = which * part..<(which + 1) * part
    func whole(_ values: [Float]) -> [Float] {
      var whole = input
      whole.replaceSubrange(range, with: values)
      return whole
    }
    let error = adjointError(at: Array(input[range]), seed: 5) {
      run(whole($0), dropout: dropout).output
    } backward: { values, c in
      Array(run(whole(values), dropout: dropout, dOutput: c).gradient[range])
    }
    #expect(error < 1e-3)
  }

  @Test func `nothing flows between sequences, and everywhere within one`() {
    let input = input(6)
    let before = run(input, dropout: nil).output
    for sequence in sequences {
      var other = input
      let changed = 2 * part + (sequence.lowerBound + sequence.count / 2) * columns
      for index in changed..<changed + columns { other[index] += 1 }
      let after = run(other, dropout: nil).output
      let touched = (0..<tokens).filter { token in
        let range = token * columns..<(token + 1) * columns
        return before[range] != after[range]
      }
      #expect(touched == Array(sequence))
    }
  }

  @Test func `dropout keeps the expectation and drops the share it is asked for`() throws {
    let dropout = try #require(Dropout(probability: 0.25, seed: 8, microBatch: 9))
    // Values of one: without dropout every output is the sum of probabilities, 1.
    var input = input(7)
    for index in 2 * part..<3 * part { input[index] = 1 }
    let output = run(input, dropout: dropout).output
    let longest = output[sequences[4].lowerBound * columns..<sequences[4].upperBound * columns]
    let mean = longest.reduce(0.0) { $0 + Double($1) } / Double(longest.count)
    #expect(abs(mean - 1) < 0.02)
    #expect(Set(longest).count > 100)
    let single = output[..<columns]
    #expect(single.allSatisfy { $0 == 0 || abs($0 - 4 / 3) < 1e-4 })
  }
}
