package import Model

/// One question ready to be scored: its candidates in the order of their letters.
package struct ScoringItem: Sendable {
  package let question: Question
  /// Positions of the file's options in the order of the letters.
  package let order: [Int]
  package let batch: MicroBatch
  /// Targets of the batch that belong to each candidate; a candidate's score is the sum of their log-probabilities.
  package let targetCounts: [Int]
  /// Whether the prompt lost tokens to the maximum length.
  package let isTruncated: Bool

  /// The letter that is right.
  package var goldPosition: Int { order.firstIndex(of: question.answerIndex) ?? 0 }

  package init(
    question: Question, order: [Int], batch: MicroBatch, targetCounts: [Int], isTruncated: Bool
  ) {
    self.question = question
    self.order = order
    self.batch = batch
    self.targetCounts = targetCounts
    self.isTruncated = isTruncated
  }

  package init(_ question: Question, _ inputs: RunInputs) throws {
    let configuration = inputs.configuration
    self.question = question
    let order = configuration.optionOrder.order(of: question, seed: configuration.seed, epoch: nil)
    self.order = order
    let template = configuration.promptTemplate
    let prompt = template.prompt(question, order: order, chat: inputs.chatTemplate)
    let candidates = try order.indices.map { position in
      try TokenizedExample(
        prompt: prompt,
        answer: configuration.scoresOptions
          ? template.optionText(question, order[position]) : template.letterText(position),
        maximumLength: configuration.maximumLength, question: question.index,
        encode: inputs.tokenizer.encode)
    }
    isTruncated = candidates.contains { $0.truncatedTokenCount > 0 }
    if configuration.scoresOptions {
      var batch = MicroBatch()
      for candidate in candidates {
        batch.append(candidate.tokens, targetsFrom: max(1, candidate.promptTokenCount))
      }
      self.batch = batch
      targetCounts = candidates.map { $0.tokens.count - max(1, $0.promptTokenCount) }
    } else {
      batch = try Self.letters(candidates, question)
      targetCounts = candidates.map { _ in 1 }
    }
  }

  /// One sequence, the prompt, with every letter asked for after its last token.
  private static func letters(
    _ candidates: [TokenizedExample], _ question: Question
  ) throws -> MicroBatch {
    let prompt = candidates[0].tokens.dropLast()
    var batch = MicroBatch()
    batch.append(Array(prompt))
    for (position, candidate) in candidates.enumerated() {
      guard candidate.tokens.dropLast() == prompt, let token = candidate.tokens.last,
        candidate.tokens.count == candidate.promptTokenCount + 1
      else {
        throw CommandFailure(
          "question \(question.index): the letter \(letter(position)) is not one token after the"
            + " prompt in this tokenizer, so letters cannot be compared; use score: option",
          exitCode: 65)
      }
      batch.addTarget(token, afterRow: prompt.count - 1)
    }
    return batch
  }
}
