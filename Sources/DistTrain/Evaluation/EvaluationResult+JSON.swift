package import Model

extension EvaluationResult {
  static func tally(_ tally: Tally) -> JSONValue {
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
      "predicted_idx": prediction.predicted.map { .integer($0) } ?? .null,
      "predicted_letter": prediction.predicted.map { .string(letter($0)) } ?? .null,
      "generated_text": generated(prediction.scored.generated),
      "is_correct": .bool(prediction.isCorrect),
      "scores": .array(prediction.scored.scores.map(JSONValue.double)),
      "probabilities": prediction.probabilities.map { .array($0.map(JSONValue.double)) } ?? .null,
      "query_types": .array(question.types.map(JSONValue.string)),
      "correctness_explanation": question.explanation,
    ])
  }

  /// The text, or with all-cyclic the texts of all orders; null where none was generated.
  private func generated(_ texts: [String]) -> JSONValue {
    guard texts.count > 1 else { return texts.first.map { .string($0) } ?? .null }
    return .array(texts.map(JSONValue.string))
  }

  /// predictions.jsonl: one line per question.
  package var predictionLines: String {
    predictions.map { prediction($0).text() + "\n" }.joined()
  }

  var predictionsJSON: JSONValue { .array(predictions.map(prediction)) }

  /// The numbers of results.json.
  package var metrics: JSONValue {
    var accuracies = JSONObject()
    var counts = JSONObject()
    var details = JSONObject()
    for (name, tally) in byType {
      accuracies[name] = tally.total == 0 ? .null : .double(100 * tally.share)
      counts[name] = .integer(tally.total)
      details[name] = Self.tally(tally)
    }
    let constant = constantAnswer
    return .object([
      "overall_accuracy": .double(100 * overall.share), "correct": .integer(overall.correct),
      "total": .integer(overall.total), "overall": Self.tally(overall),
      "query_type_accuracy": .object(accuracies), "query_type_counts": .object(counts),
      "query_types": .object(details), "chance_accuracy": .double(100 * chance),
      "constant_answer": .object([
        "letter": .string(constant.letter), "accuracy": .double(100 * constant.share),
      ]),
      "truncated_questions": .integer(truncatedCount), "unparsable": .integer(unparsableCount),
      "gold_letters": histogram(histograms.gold),
      "predicted_letters": histogram(histograms.predicted),
      "calibration": calibration?.json ?? .null,
    ])
  }

  /// results.json: how it was measured, and what.
  package func json(_ configuration: RunConfiguration) -> JSONValue {
    .object([
      "score": .string(configuration.score.rawValue),
      "option_order": .string(configuration.optionOrder.rawValue),
      "prompt_template": configuration.promptName,
      "metrics": metrics, "predictions": predictionsJSON,
    ])
  }
}
