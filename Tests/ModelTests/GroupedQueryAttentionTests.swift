import Model
import TestSupport
import Testing

/// Queries, keys and values of packed sequences, side by side in one vector.
struct AttentionSample {
  /// Blocks hold 64 queries: lengths below, at and beyond their edges.
  static let lengths = [1, 63, 64, 65, 130]
  static let headSize = 6
  let layer: GroupedQueryAttention
  let sequences: [Range<Int>]
  let tokens: Int

  init(ratio: Int, lengths: [Int] = Self.lengths) {
    layer = GroupedQueryAttention(heads: 2 * ratio, kvHeads: 2, headSize: Self.headSize)
    var start = 0
    sequences = lengths.map { length in
      defer { start += length }
      return start..<start + length
    }
    tokens = start
  }

  var queryColumns: Int { layer.heads * Self.headSize }
  var kvColumns: Int { layer.kvHeads * Self.headSize }
  /// Where q, k and v lie.
  var parts: [Range<Int>] {
    let (q, kv) = (tokens * queryColumns, tokens * kvColumns)
    return [0..<q, q..<q + kv, q + kv..<q + 2 * kv]
  }
  func input(seed: UInt64) -> [Float] {
    randomValues(tokens * (queryColumns + 2 * kvColumns), seed: seed).map { 2 * $0 }
  }

  private func scratch() -> Scratch {
    let longest = sequences.map(\.count).max() ?? 0
    return Scratch(
      MatrixProducts(.float32), scores: GroupedQueryAttention.scoresCount(length: longest))
  }

  func forward(_ input: [Float]) -> (output: [Float], logSumExp: [Float]) {
    let x = FloatBuffer(input)
    let output = FloatBuffer([Float](repeating: .nan, count: tokens * queryColumns))
    let logSumExp = FloatBuffer([Float](repeating: .nan, count: tokens * layer.heads))
    layer.forward(
      q: x.matrix(tokens, queryColumns).view,
      k: x.matrix(tokens, kvColumns, at: parts[1].lowerBound).view,
      v: x.matrix(tokens, kvColumns, at: parts[2].lowerBound).view,
      sequences: sequences.map { PackedSequence(rows: $0) },
      into: output.matrix(tokens, queryColumns), logSumExp: logSumExp.matrix(tokens, layer.heads),
      scratch: scratch())
    return (output.array(), logSumExp.array())
  }

  func backward(_ input: [Float], _ dOutput: [Float], onto start: [Float]? = nil) -> [Float] {
    let x = FloatBuffer(input)
    let (output, logSumExp) = forward(input)
    let dx = FloatBuffer(start ?? [Float](repeating: 0, count: input.count))
    layer.backward(
      FloatBuffer(dOutput).matrix(tokens, queryColumns).view,
      q: x.matrix(tokens, queryColumns).view,
      k: x.matrix(tokens, kvColumns, at: parts[1].lowerBound).view,
      v: x.matrix(tokens, kvColumns, at: parts[2].lowerBound).view,
      output: FloatBuffer(output).matrix(tokens, queryColumns).view,
      logSumExp: FloatBuffer(logSumExp).matrix(tokens, layer.heads).view,
      sequences: sequences.map { PackedSequence(rows: $0) },
      accumulatingIntoQ: dx.matrix(tokens, queryColumns),
      k: dx.matrix(tokens, kvColumns, at: parts[1].lowerBound),
      v: dx.matrix(tokens, kvColumns, at: parts[2].lowerBound), scratch: scratch())
    return dx.array()
  }
}

struct GroupedQueryAttentionTests {
  private static let ratios = [1, 2, 7]

  @Test(arguments: ratios)
  func `forward gives the masked softmax's mixture of values`(ratio: Int) {
    let sample = AttentionSample(ratio: ratio)
    let input = sample.input(seed: 1)
    let parts = sample.parts.map { Array(input[$0]) }
    let expected = ReferenceLayers.attention(
      q: ReferenceMatrix(sample.tokens, sample.queryColumns, parts[0]),
      k: ReferenceMatrix(sample.tokens, sample.kvColumns, parts[1]),
      v: ReferenceMatrix(sample.tokens, sample.kvColumns, parts[2]), heads: sample.layer.heads,
      kvHeads: sample.layer.kvHeads, headSize: AttentionSample.headSize,
      sequences: sample.sequences)
    #expect(relativeError(sample.forward(input).output, expected.floats) < 3e-6)
  }

  @Test(arguments: ratios, [0, 1, 2])
  func `backward is the adjoint of forward in q, k and v`(ratio: Int, part: Int) {
    let sample = AttentionSample(ratio: ratio)
    let input = sample.input(seed: 2)
    let range = sample.parts[part]
    func whole(_ values: [Float]) -> [Float] {
      var whole = input
      whole.replaceSubrange(range, with: values)
      return whole
    }
    let error = adjointError(at: Array(input[range]), seed: 3) { values in
      sample.forward(whole(values)).output
    } backward: { values, dOutput in
      Array(sample.backward(whole(values), dOutput)[range])
    }
    #expect(error < 1e-3)
  }

  @Test(arguments: ratios)
  func `gradients are added to what is there`(ratio: Int) {
    let sample = AttentionSample(ratio: ratio, lengths: [3, 70])
    let input = sample.input(seed: 4)
    let dOutput = randomValues(sample.tokens * sample.queryColumns, seed: 5)
    let start = randomValues(input.count, seed: 6)
    let fresh = sample.backward(input, dOutput)
    let added = sample.backward(input, dOutput, onto: start)
    #expect(relativeError(added, zip(start, fresh).map(+)) < 1e-6)
  }

  @Test(arguments: ratios)
  func `nothing flows from the future or between sequences`(ratio: Int) {
    let sample = AttentionSample(ratio: ratio)
    let input = sample.input(seed: 7)
    let before = sample.forward(input).output
    let widths = [sample.queryColumns, sample.kvColumns, sample.kvColumns]
    for sequence in sample.sequences {
      for row in Set([0, 1, 62, 63, 64, sequence.count - 1].filter { $0 < sequence.count }) {
        let changed = sequence.lowerBound + row
        var other = input
        for (part, width) in zip(sample.parts, widths) {
          let start = part.lowerBound + changed * width
          for index in start..<start + width { other[index] += 1 }
        }
        let after = sample.forward(other).output
        let touched = (0..<sample.tokens).filter { token in
          let columns = token * sample.queryColumns..<(token + 1) * sample.queryColumns
          return before[columns] != after[columns]
        }
        #expect(touched == Array(changed..<sequence.upperBound))
      }
    }
  }

  @Test(arguments: ratios)
  func `gradients reach a token's own query and the keys and values before it`(ratio: Int) {
    let sample = AttentionSample(ratio: ratio)
    let input = sample.input(seed: 8)
    let sequence = sample.sequences[4]
    for row in [0, 63, 64, 129].map({ sequence.lowerBound + $0 }) {
      var dOutput = [Float](repeating: 0, count: sample.tokens * sample.queryColumns)
      let columns = row * sample.queryColumns..<(row + 1) * sample.queryColumns
      dOutput.replaceSubrange(columns, with: randomValues(columns.count, seed: 9))
      let gradient = sample.backward(input, dOutput)
      func touched(_ part: Int, _ width: Int) -> [Int] {
        (0..<sample.tokens).filter { token in
          let start = sample.parts[part].lowerBound + token * width
          return gradient[start..<start + width].contains { $0 != 0 }
        }
      }
      let visible = Array(sequence.lowerBound...row)
      // A single visible key has probability 1 whatever q and k are.
      #expect(touched(0, sample.queryColumns) == (visible.count > 1 ? [row] : []))
      #expect(touched(1, sample.kvColumns) == (visible.count > 1 ? visible : []))
      #expect(touched(2, sample.kvColumns) == visible)
    }
  }
}
