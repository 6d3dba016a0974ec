internal import Foundation
package import Model

/// The scores of all folds, and over all of them.
package struct FoldScores: Sendable {
  package let folds: [(outcome: FoldOutcome, tally: EvaluationResult.Tally)]
  /// Over the questions of all folds, each of which another model has answered.
  package let pooled: EvaluationResult.Tally
  package let byType: [(name: String, tally: EvaluationResult.Tally)]

  package init(_ outcomes: [FoldOutcome], typeNames: [String]) {
    var pooled = EvaluationResult.Tally()
    var types: [String: EvaluationResult.Tally] = [:]
    folds = outcomes.map { outcome in
      var tally = EvaluationResult.Tally()
      for prediction in outcome.predictions.arrayValue ?? [] {
        let isCorrect = prediction["is_correct"]?.boolValue ?? false
        let labels = prediction["query_types"]?.arrayValue?.compactMap(\.stringValue) ?? []
        tally.count(isCorrect)
        pooled.count(isCorrect)
        for type in labels.isEmpty ? [EvaluationResult.noLabel] : labels {
          types[type, default: EvaluationResult.Tally()].count(isCorrect)
        }
      }
      return (outcome, tally)
    }
    self.pooled = pooled
    byType = (typeNames + [EvaluationResult.noLabel]).map {
      ($0, types[$0] ?? EvaluationResult.Tally())
    }
  }

  private var shares: [Double] { folds.map(\.tally).filter { $0.total > 0 }.map(\.share) }

  package var mean: Double { shares.isEmpty ? 0 : shares.reduce(0, +) / Double(shares.count) }

  /// sqrt(sum (x - mean)^2 / n), as NumPy's std.
  package var populationDeviation: Double { deviation(dividingBy: shares.count) }

  /// sqrt(sum (x - mean)^2 / (n - 1)); 0 for a single fold.
  package var sampleDeviation: Double { deviation(dividingBy: shares.count - 1) }

  private func deviation(dividingBy count: Int) -> Double {
    guard count > 0 else { return 0 }
    return (shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)).squareRoot()
  }

  /// predictions.jsonl over all folds, each line with its fold.
  package var predictionLines: String { predictions.map { $0.text() + "\n" }.joined() }

  private var predictions: [JSONValue] {
    folds.flatMap { fold in
      (fold.outcome.predictions.arrayValue ?? []).map { prediction in
        var object = prediction.objectValue ?? [:]
        object["fold"] = .integer(fold.outcome.index)
        return .object(object)
      }
    }
  }

  /// results.json over all folds.
  package func json(_ configuration: RunConfiguration) -> JSONValue {
    .object([
      "score": .string(configuration.score.rawValue),
      "option_order": .string(configuration.optionOrder.rawValue),
      "prompt_template": configuration.promptName,
      "folds": foldsJSON, "metrics": metrics, "predictions": .array(predictions),
    ])
  }

  /// The score of each fold, and with which code it ended.
  var foldsJSON: JSONValue {
    .array(
      folds.map { fold in
        var object = EvaluationResult.tally(fold.tally).objectValue ?? [:]
        object["fold"] = .integer(fold.outcome.index)
        object["exit_code"] = .integer(Int(fold.outcome.failure ?? 0))
        return .object(object)
      })
  }

  private var metrics: JSONValue {
    var object = foldMetrics
    for (key, value) in zip(pooledMetrics.keys, pooledMetrics.values) { object[key] = value }
    return .object(object)
  }

  var foldMetrics: JSONObject {
    [
      "mean_accuracy": .double(100 * mean),
      "population_deviation": .double(100 * populationDeviation),
      "sample_deviation": .double(100 * sampleDeviation),
    ]
  }

  var pooledMetrics: JSONObject {
    var (accuracies, counts, details) = (JSONObject(), JSONObject(), JSONObject())
    for (name, tally) in byType {
      accuracies[name] = tally.total == 0 ? .null : .double(100 * tally.share)
      counts[name] = .integer(tally.total)
      details[name] = EvaluationResult.tally(tally)
    }
    return [
      "overall_accuracy": .double(100 * pooled.share), "correct": .integer(pooled.correct),
      "total": .integer(pooled.total), "overall": EvaluationResult.tally(pooled),
      "query_type_accuracy": .object(accuracies), "query_type_counts": .object(counts),
      "query_types": .object(details),
    ]
  }

  /// The scores as a person reads them.
  package var summary: String {
    func percent(_ share: Double) -> String { Console.fixed(100 * share, 1) }
    let each = folds.map { fold in
      fold.outcome.failure.map { "  fold \(fold.outcome.index)          failed with code \($0)" }
        ?? EvaluationResult.line("fold \(fold.outcome.index)", fold.tally, notes: false)
    }
    let mean =
      "  mean \(percent(mean)) % over \(shares.count) folds, deviation"
      + " \(percent(populationDeviation)) (population), \(percent(sampleDeviation)) (sample)"
    return
      (each + [mean, EvaluationResult.line("all folds", pooled, notes: false)]
      + byType.map { EvaluationResult.line($0.name, $0.tally, notes: true) })
      .joined(separator: "\n")
  }
}
