/// Continues prompts by the most probable token, again and again, with the keys and values of what was there before kept.
package struct GreedyDecoding: Sendable {
  private let model: QwenModel
  /// Tokens that end a continuation, which does not contain them.
  private let stops: Set<Int32>
  package let maximumNewTokens: Int

  package init(_ model: QwenModel, stops: Set<Int32>, maximumNewTokens: Int) {
    precondition(maximumNewTokens > 0, "nothing to generate")
    self.model = model
    self.stops = stops
    self.maximumNewTokens = maximumNewTokens
  }

  /// The plan that fits each of `groups` of prompts.
  package static func plan(_ groups: [[[Int32]]], maximumNewTokens: Int) -> ActivationPlan {
    let tokens = groups.map { $0.reduce(0) { $0 + $1.count } }
    let longest = groups.flatMap { $0.map(\.count) }.max() ?? 0
    return ActivationPlan(
      tokens: tokens.max() ?? 0, sequence: longest + maximumNewTokens,
      targets: groups.map(\.count).max() ?? 0, keepsForBackward: false,
      cachedTokens: zip(tokens, groups).map { $0 + $1.count * maximumNewTokens }.max() ?? 0)
  }

  /// The continuation of each prompt; one pass over the weights serves all of them, for each token.
  ///
  /// Which prompts are continued together can change the last bits of their logits, so groups must not follow from the
  /// number of ranks.
  package func continuations(
    of prompts: [[Int32]], adapter: borrowing FloatBuffer,
    _ activations: borrowing ActivationBuffer
  ) -> [[Int32]] {
    var answers = [[Int32]](repeating: [], count: prompts.count)
    // Where each prompt's keys and values end.
    var ends: [Int] = []
    var batch = MicroBatch()
    for prompt in prompts {
      ends.append(batch.tokens.count + ends.count * maximumNewTokens)
      batch.append(prompt)
      batch.addTarget(0, afterRow: batch.tokens.count - 1)
    }
    var sequences = zip(batch.sequences, ends).map {
      PackedSequence(rows: $0.rows, prefix: $1..<$1)
    }
    var isOpen = [Bool](repeating: true, count: prompts.count)
    for count in 1...maximumNewTokens {
      let next = model.nextTokens(
        batch, sequences: sequences, adapter: adapter, activations)
      for (index, token) in next.enumerated() where isOpen[index] {
        isOpen[index] = !stops.contains(token)
        if isOpen[index] { answers[index].append(token) }
      }
      guard isOpen.contains(true), count < maximumNewTokens else { break }
      batch = MicroBatch()
      sequences = zip(next, sequences).enumerated().map { index, pair in
        batch.append([pair.0])
        batch.addTarget(0, afterRow: index)
        let start = ends[index]
        return PackedSequence(
          rows: index..<index + 1, prefix: start..<pair.1.prefix.upperBound + pair.1.rows.count)
      }
    }
    return answers
  }
}
