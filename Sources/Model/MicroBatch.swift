/// Sequences of one forward and backward pass, packed one after the other without padding.
package struct MicroBatch: Sendable, Equatable {
  /// [tokens]
  package private(set) var tokens: [Int32] = []
  /// First token of each sequence, then the number of tokens.
  package private(set) var sequenceStarts: [Int] = [0]
  /// Tokens after which something is predicted; one may occur more than once.
  package private(set) var targetRows: [Int] = []
  /// What is predicted there: [targets]
  package private(set) var targetTokens: [Int32] = []
  /// Tokens of the first sequence where all others continue it; 0 where each begins anew.
  private var sharedCount = 0

  package init() {}

  /// A first sequence that every sequence appended after it continues, each without seeing the others; for scoring.
  package init(sharing prefix: [Int32]) {
    append(prefix)
    sharedCount = prefix.count
  }

  /// The sequences of all of `batches`, none of which shares a prefix, one after the other.
  init(joining batches: [MicroBatch]) {
    for batch in batches {
      precondition(!batch.isBranched, "a shared prefix belongs to one micro-batch")
      let start = tokens.count
      tokens += batch.tokens
      sequenceStarts += batch.sequenceStarts.dropFirst().map { start + $0 }
      targetRows += batch.targetRows.map { start + $0 }
      targetTokens += batch.targetTokens
    }
  }

  /// Adds a sequence that predicts each of its own tokens from `firstTarget` (>= 1) on.
  package mutating func append(_ sequence: [Int32], targetsFrom firstTarget: Int) {
    precondition(firstTarget >= 1, "the first token has no predecessor")
    let start = tokens.count
    append(sequence)
    let count = max(0, sequence.count - firstTarget)
    targetRows.reserveCapacity(targetRows.count + count)
    targetTokens.reserveCapacity(targetTokens.count + count)
    for position in stride(from: firstTarget, to: sequence.count, by: 1) {
      addTarget(sequence[position], afterRow: start + position - 1)
    }
  }

  /// Adds a sequence that predicts nothing yet.
  package mutating func append(_ sequence: [Int32]) {
    tokens += sequence
    sequenceStarts.append(tokens.count)
  }

  /// Asks for the probability of `token` after the token at `row`.
  package mutating func addTarget(_ token: Int32, afterRow row: Int) {
    precondition(row >= 0 && row < tokens.count, "no such row")
    targetRows.append(row)
    targetTokens.append(token)
  }

  package var sequences: [PackedSequence] {
    zip(sequenceStarts, sequenceStarts.dropFirst()).map { start, end in
      PackedSequence(rows: start..<end, prefix: start == 0 ? 0..<0 : 0..<sharedCount)
    }
  }

  /// Whether a sequence continues another, which a backward pass cannot follow.
  var isBranched: Bool { sharedCount > 0 }

  /// Tokens of the longest sequence, with what it continues.
  package var longestSequence: Int { sequences.map(\.length).max() ?? 0 }
}
