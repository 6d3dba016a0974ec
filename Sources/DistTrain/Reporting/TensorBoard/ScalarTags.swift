package import Model

/// The tags under which TensorBoard shows a run; shares are from 0 to 1.
package enum ScalarTags {
  /// Keys of metrics.jsonl and the tags of their values, as transformers' runs have them.
  private static let ofKeys = [
    ("loss", "train/loss"), ("learning_rate", "train/learning_rate"),
    ("grad_norm", "train/grad_norm"), ("eval_loss", "eval/loss"),
    ("eval_accuracy", "eval/accuracy"),
  ]

  /// What a line of the log shows; `seconds` is the time since the line before it, where that is known.
  package static func scalars(
    _ line: JSONValue, seconds: Double?
  ) -> [(tag: String, value: Double)] {
    var scalars: [(tag: String, value: Double)] = ofKeys.compactMap { key, tag in
      (line[key]?.doubleValue).map { (tag, $0) }
    }
    if line["loss"] != nil, let epoch = line["epoch"]?.doubleValue {
      scalars.append(("train/epoch", epoch))
    }
    if let tokens = line["tokens"]?.doubleValue, let seconds, seconds > 0 {
      scalars.append(("perf/tokens_per_second", tokens / seconds))
    }
    return scalars
  }

  /// What a held-out score shows, overall and of each type that has questions.
  package static func scalars(_ result: EvaluationResult) -> [(tag: String, value: Double)] {
    [("test/accuracy", result.overall.share)]
      + result.byType.filter { $0.tally.total > 0 }.map {
        ("test/accuracy/\($0.name)", $0.tally.share)
      }
  }
}
