/// A held-out score as results.json has it.
package struct ScoreRecord: Sendable {
  package typealias Tally = EvaluationResult.Tally

  /// One question, its options in the order of their letters.
  package struct Answer: Sendable {
    package let index: Int?
    package let question: String
    package let options: [String]
    package let right: Int
    /// Nil where the model's text named no option.
    package let picked: Int?
    package let isCorrect: Bool
    /// What the model gave each option, adding up to 1; empty where that is not known.
    package let probabilities: [Double]
    package let types: [String]
    package let generated: String?

    /// The same for the same question whatever the order of its options.
    var key: [String] { [question] + options.sorted() }
  }

  package struct Bin: Sendable, Equatable {
    package let low: Double, high: Double
    package let count: Int
    package let confidence: Double, accuracy: Double
  }

  package var overall: Tally
  package var byType: [(name: String, tally: Tally)] = []
  /// Shares from 0 to 1.
  package var chance: Double?
  package var constant: (letter: String, share: Double)?
  package var bins: [Bin] = []
  package var expectedCalibrationError: Double?
  package var truncated = 0, unparsable = 0
  package var answers: [Answer] = []
  /// How it was measured, such as "score letter, option_order shuffled".
  package var protocolParts: [(name: String, value: String)] = []
  package var before: Tally?
  package var optionsOnly: Tally?
  /// Where every question was held out in one of several folds; all else is then over all of them.
  package var folds: Folds?

  package init(overall: Tally) { self.overall = overall }

  package var mistakes: [Answer] { answers.filter { !$0.isCorrect } }
  package var letterCount: Int { answers.map(\.options.count).max() ?? 0 }

  /// How often the option at each position was right (row) and picked (column).
  package var positions: [[Int]] {
    var counts = [[Int]](
      repeating: [Int](repeating: 0, count: letterCount), count: letterCount)
    for answer in answers {
      if let picked = answer.picked { counts[answer.right][picked] += 1 }
    }
    return counts
  }

  package var rightLetters: [Int] { histogram { $0.right } }
  package var pickedLetters: [Int] { histogram { $0.picked } }

  private func histogram(_ position: (Answer) -> Int?) -> [Int] {
    var counts = [Int](repeating: 0, count: letterCount)
    for answer in answers {
      if let position = position(answer) { counts[position] += 1 }
    }
    return counts
  }

  /// Ten equal bins of the confidence in what was picked, and the error expected of them, from the answers alone.
  package mutating func calibrate() {
    var sums = [(count: Int, confidence: Double, correct: Int)](repeating: (0, 0, 0), count: 10)
    for answer in answers {
      guard let picked = answer.picked, picked < answer.probabilities.count else { continue }
      let confidence = answer.probabilities[picked]
      let bin = Int(min(9, max(0, confidence * 10)))
      sums[bin].count += 1
      sums[bin].confidence += confidence
      sums[bin].correct += answer.isCorrect ? 1 : 0
    }
    let total = sums.reduce(0) { $0 + $1.count }
    guard total > 0 else { return }
    bins = sums.enumerated().filter { $0.element.count > 0 }.map { index, sum in
      let count = Double(sum.count)
      return Bin(
        low: Double(index) / 10, high: Double(index + 1) / 10, count: sum.count,
        confidence: sum.confidence / count, accuracy: Double(sum.correct) / count)
    }
    expectedCalibrationError = bins.reduce(0.0) {
      $0 + Double($1.count) / Double(total) * abs($1.confidence - $1.accuracy)
    }
  }
}
