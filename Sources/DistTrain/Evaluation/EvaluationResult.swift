internal import Foundation
internal import Model

/// A held-out score with everything needed to judge it.
package struct EvaluationResult: Sendable {
  /// One scored question.
  package struct Prediction: Sendable {
    package let item: ScoringItem
    package let scored: ScoredItem
    /// The picked letter; nil where a generated answer names none, which counts as wrong.
    package let predicted: Int?

    package var isCorrect: Bool { predicted == item.goldPosition }

    /// The probability of each letter among the letters, or of each text among the texts; nil where texts are generated.
    package var probabilities: [Double]? {
      item.rule == .generated ? nil : softmax(scored.scores)
    }
  }

  /// How many of a group are right.
  package struct Tally: Sendable, Equatable {
    package var correct = 0, total = 0

    package init() {}

    package var share: Double { total == 0 ? 0 : Double(correct) / Double(total) }
    package var interval: WilsonInterval { WilsonInterval(correct: correct, of: total) }

    package mutating func count(_ isCorrect: Bool) {
      total += 1
      correct += isCorrect ? 1 : 0
    }
  }

  package let predictions: [Prediction]
  package let overall: Tally
  /// Multi-label: a question counts in every type it has; the last row has the questions without a label.
  package let byType: [(name: String, tally: Tally)]
  package static let noLabel = "no label"

  /// Picks the highest score, the first letter's among equals; throws with exit code 70 where a score is no number.
  package init(
    _ items: [ScoringItem], _ scored: [ScoredItem], typeNames: [String]
  ) throws(CommandFailure) {
    for (item, scored) in zip(items, scored) where !scored.scores.allSatisfy(\.isFinite) {
      throw CommandFailure(
        "question \(item.question.index): a score is not a finite number; the weights or the adapter"
          + " are damaged, or training has diverged", exitCode: 70)
    }
    predictions = zip(items, scored).map { item, scored in
      let scores = scored.scores
      let best = scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
      return Prediction(item: item, scored: scored, predicted: scored.isParsable ? best : nil)
    }
    var overall = Tally()
    var tallies = [String: Tally]()
    for prediction in predictions {
      overall.count(prediction.isCorrect)
      let types = prediction.item.question.types
      for type in types.isEmpty ? [Self.noLabel] : types {
        tallies[type, default: Tally()].count(prediction.isCorrect)
      }
    }
    self.overall = overall
    byType = (typeNames + [Self.noLabel]).map { ($0, tallies[$0] ?? Tally()) }
  }

  /// What picking at random scores.
  package var chance: Double {
    let total = predictions.reduce(0.0) { $0 + 1 / Double($1.item.order.count) }
    return predictions.isEmpty ? 0 : total / Double(predictions.count)
  }

  /// Questions whose prompt lost tokens to the maximum length.
  package var truncatedCount: Int { predictions.count { $0.item.isTruncated } }

  /// Questions whose generated answer names no letter.
  package var unparsableCount: Int { predictions.count { !$0.scored.isParsable } }

  /// Whether the probabilities of the letters are as often right as they say; only where letters are scored.
  package var calibration: Calibration? {
    let pairs = predictions.compactMap { prediction -> (confidence: Double, isCorrect: Bool)? in
      guard prediction.item.rule == .letter, let predicted = prediction.predicted else {
        return nil
      }
      return (prediction.probabilities?[predicted] ?? 0, prediction.isCorrect)
    }
    return pairs.isEmpty ? nil : Calibration(pairs)
  }

  private var letterCount: Int { predictions.map(\.item.order.count).max() ?? 0 }

  /// How often each letter is right, and how often it was picked.
  package var histograms: (gold: [Int], predicted: [Int]) {
    var gold = [Int](repeating: 0, count: letterCount)
    var predicted = gold
    for prediction in predictions {
      gold[prediction.item.goldPosition] += 1
      if let letter = prediction.predicted { predicted[letter] += 1 }
    }
    return (gold, predicted)
  }

  /// What always answering the most frequent right letter scores.
  package var constantAnswer: (letter: String, share: Double) {
    let gold = histograms.gold
    guard let best = gold.indices.max(by: { gold[$0] < gold[$1] }), !predictions.isEmpty else {
      return ("A", 0)
    }
    return (letter(best), Double(gold[best]) / Double(predictions.count))
  }
}
