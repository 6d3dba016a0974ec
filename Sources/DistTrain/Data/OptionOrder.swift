internal import Model

/// In which order a question's options get their letters.
package enum OptionOrder: String, Sendable, CaseIterable {
  /// The file's order; where the right option always stands first, this measures nothing.
  case dataset
  /// One random order per question.
  case shuffled
  /// Another random order in each epoch; outside of training as `shuffled`.
  case reshuffled
  /// As `shuffled`, and scored in all rotations of that order, so that every option has had every letter.
  case allCyclic = "all-cyclic"

  /// Positions of the file's options in the order of the letters; `epoch` is nil outside of training.
  package func order(of question: Question, seed: UInt64, epoch: Int?) -> [Int] {
    guard self != .dataset else { return Array(question.options.indices) }
    let turn = self == .reshuffled ? (epoch ?? -1) + 1 : 0
    var random = RandomStream(seed: seed, purpose: .optionOrder, question.index, turn)
    return random.permutation(question.options.count)
  }

  /// The orders in which a held-out question is scored.
  package func scoringOrders(of question: Question, seed: UInt64) -> [[Int]] {
    let order = order(of: question, seed: seed, epoch: nil)
    guard self == .allCyclic else { return [order] }
    return order.indices.map { Array(order[$0...] + order[..<$0]) }
  }

  /// How often each letter is right.
  package func goldPositions(_ questions: [Question], seed: UInt64) -> [Int] {
    var counts = [Int](repeating: 0, count: questions.map(\.options.count).max() ?? 0)
    for question in questions {
      let order = order(of: question, seed: seed, epoch: nil)
      counts[order.firstIndex(of: question.answerIndex) ?? 0] += 1
    }
    return counts
  }
}

/// The letter of position `index`: A, B, C, ...
package func letter(_ index: Int) -> String {
  String(Unicode.Scalar(UInt8(ascii: "A") + UInt8(index)))
}
