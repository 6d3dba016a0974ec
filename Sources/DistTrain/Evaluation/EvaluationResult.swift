internal import Foundation
package import Model

/// A held-out score with everything needed to judge it.
package struct EvaluationResult: Sendable {
  /// One scored question.
  package struct Prediction: Sendable {
    package let item: ScoringItem
    package let scores: [Double]
    package let predicted: Int

    package var isCorrect: Bool { predicted == item.goldPosition }
  }

  /// How many of a group are right.
  package struct Tally: Sendable, Equatable {
    package var correct = 0, total = 0

    package var share: Double { total == 0 ? 0 : Double(correct) / Double(total) }
    package var interval: WilsonInterval { WilsonInterval(correct: correct, of: total) }

    mutating func count(_ isCorrect: Bool) {
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
    _ items: [ScoringItem], scores: [[Double]], typeNames: [String]
  ) throws(CommandFailure) {
    for (item, scores) in zip(items, scores) where !scores.allSatisfy(\.isFinite) {
      throw CommandFailure(
        "question \(item.question.index): a score is not a finite number; the weights or the adapter"
          + " are damaged, or training has diverged", exitCode: 70)
    }
    predictions = zip(items, scores).map { item, scores in
      var best = 0
      for index in scores.indices where scores[index] > scores[best] { best = index }
      return Prediction(item: item, scores: scores, predicted: best)
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

  private var letterCount: Int { predictions.map(\.item.order.count).max() ?? 0 }

  /// How often each letter is right, and how often it was picked.
  package var histograms: (gold: [Int], predicted: [Int]) {
    var gold = [Int](repeating: 0, count: letterCount)
    var predicted = gold
    for prediction in predictions {
      gold[prediction.item.goldPosition] += 1
      predicted[prediction.predicted] += 1
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

extension EvaluationResult {
  private static func tally(_ tally: Tally) -> JSONValue {
    .object([
      "accuracy": .double(100 * tally.share), "correct": .integer(tally.correct),
      "total": .integer(tally.total),
      "wilson_95": .array([
        .double(100 * tally.interval.low), .double(100 * tally.interval.high),
      ]),
    ])
  }

  private func histogram(_ counts: [Int]) -> JSONValue {
    var object = JSONObject()
    for (index, count) in counts.enumerated() { object[letter(index)] = .integer(count) }
    return .object(object)
  }

  private func prediction(_ prediction: Prediction) -> JSONValue {
    let question = prediction.item.question
    return .object([
      "index": .integer(question.index), "question": .string(question.query),
      "choices": .array(prediction.item.order.map { .string(question.options[$0].text) }),
      "correct_idx": .integer(prediction.item.goldPosition),
      "correct_letter": .string(letter(prediction.item.goldPosition)),
      "predicted_idx": .integer(prediction.predicted),
      "predicted_letter": .string(letter(prediction.predicted)),
      "generated_text": .null, "is_correct": .bool(prediction.isCorrect),
      "scores": .array(prediction.scores.map(JSONValue.double)),
      "query_types": .array(question.types.map(JSONValue.string)),
      "correctness_explanation": question.explanation,
    ])
  }

  /// predictions.jsonl: one line per question.
  package var predictionLines: String {
    predictions.map { prediction($0).text() + "\n" }.joined()
  }

  /// results.json; `score` and `optionOrder` say how it was measured.
  package func json(_ configuration: RunConfiguration) -> JSONValue {
    var accuracies = JSONObject()
    var counts = JSONObject()
    var details = JSONObject()
    for (name, tally) in byType {
      accuracies[name] = tally.total == 0 ? .null : .double(100 * tally.share)
      counts[name] = .integer(tally.total)
      details[name] = Self.tally(tally)
    }
    let constant = constantAnswer
    let metrics: JSONObject = [
      "overall_accuracy": .double(100 * overall.share), "correct": .integer(overall.correct),
      "total": .integer(overall.total), "overall": Self.tally(overall),
      "query_type_accuracy": .object(accuracies), "query_type_counts": .object(counts),
      "query_types": .object(details), "chance_accuracy": .double(100 * chance),
      "constant_answer": .object([
        "letter": .string(constant.letter), "accuracy": .double(100 * constant.share),
      ]),
      "truncated_questions": .integer(truncatedCount),
      "gold_letters": histogram(histograms.gold),
      "predicted_letters": histogram(histograms.predicted),
    ]
    return .object([
      "score": .string(configuration.scoresOptions ? "option" : "letter"),
      "option_order": .string(configuration.optionOrder.rawValue),
      "prompt_template": .string(configuration.promptTemplate.rawValue),
      "metrics": .object(metrics), "predictions": .array(predictions.map(prediction)),
    ])
  }

  /// The score as a person reads it.
  package func summary(_ title: String) -> String {
    func percent(_ share: Double) -> String { Console.fixed(100 * share, 1) }
    func line(_ name: String, _ tally: Tally) -> String {
      let filled = name + String(repeating: " ", count: max(0, 14 - name.count))
      guard tally.total > 0 else { return "  \(filled)   n = 0" }
      return
        "  \(filled) \(Console.padded(percent(tally.share), 5)) %   n = \(Console.padded("\(tally.total)", 3))"
        + "   95 % interval \(percent(tally.interval.low))-\(percent(tally.interval.high))"
    }
    let (gold, predicted) = histograms
    func letters(_ counts: [Int]) -> String {
      counts.enumerated().map { "\(letter($0)) \($1)" }.joined(separator: "  ")
    }
    let constant = constantAnswer
    return
      ([line(title, overall)] + byType.map { line($0.name, $0.tally) } + [
        "  chance \(percent(chance)) %, always \(constant.letter) \(percent(constant.share)) %",
        "  right letters   \(letters(gold))", "  picked letters  \(letters(predicted))",
      ] + (truncatedCount > 0 ? ["  \(truncatedCount) truncated to max_length"] : [])).joined(
        separator: "\n")
  }
}
