internal import Model

/// In which order a question's options get their letters.
package enum OptionOrder: String, Sendable, CaseIterable {
  /// The file's order; where the right option always stands first, this measures nothing.
  case dataset
  /// One random order per question.
  case shuffled
  /// Another random order in each epoch; outside of training as `shuffled`.
  case reshuffled

  /// Positions of the file's options in the order of the letters; `epoch` is nil outside of training.
  package func order(of question: Question, seed: UInt64, epoch: Int?) -> [Int] {
    guard self != .dataset else { return Array(question.options.indices) }
    let turn = self == .reshuffled ? (epoch ?? -1) + 1 : 0
    var random = RandomStream(seed: seed, purpose: .optionOrder, question.index, turn)
    return random.permutation(question.options.count)
  }

  /// The letter that is right most often, and how often; what always answering it would score.
  package func bestConstantAnswer(
    _ questions: [Question], seed: UInt64
  ) -> (letter: String, share: Double) {
    var counts = [Int](repeating: 0, count: 26)
    for question in questions {
      let order = order(of: question, seed: seed, epoch: nil)
      counts[order.firstIndex(of: question.answerIndex) ?? 0] += 1
    }
    let best = counts.indices.max { counts[$0] < counts[$1] } ?? 0
    return (letter(best), questions.isEmpty ? 0 : Double(counts[best]) / Double(questions.count))
  }
}

/// The letter of position `index`: A, B, C, ...
package func letter(_ index: Int) -> String {
  String(Unicode.Scalar(UInt8(ascii: "A") + UInt8(index)))
}
