package import Model

extension LeakAudit {
  /// The line of the first screen.
  package var summary: String {
    let best = findings.max { $0.share - $0.chance < $1.share - $1.chance }
    let rule = best.map { "\($0.rule.name) \(Console.fixed(100 * $0.share, 1)) %" } ?? "no rule"
    return isClean
      ? "clean: no trivial rule beats chance (best: \(rule))"
      : "LEAK: \(rule), where chance is \(Console.fixed(100 * (best?.chance ?? 0), 1)) %"
  }

  /// audit.json
  package var json: JSONValue {
    var positions = JSONObject()
    for (part, counts) in goldPositions {
      var letters = JSONObject()
      for (index, count) in counts.enumerated() { letters[letter(index)] = .integer(count) }
      positions[part] = .object(letters)
    }
    return .object([
      "questions": .integer(questionCount), "option_order": .string(optionOrder.rawValue),
      "verdict": .string(isClean ? "clean" : "leak"), "rules": .array(findings.map(Self.json)),
      "gold_positions": .object(positions),
      "overlap": .object([
        "held_out_options": .integer(heldOutOptions),
        "shared_option_texts": .integer(sharedOptions), "shared_answers": .integer(sharedAnswers),
        "near_duplicates": .array(
          nearDuplicates.map {
            .object([
              "held_out": .integer($0.heldOut), "train": .integer($0.train),
              "similarity": .double($0.similarity),
            ])
          }),
      ]), "warnings": .array(warnings.map(JSONValue.string)),
    ])
  }

  private static func json(_ finding: Finding) -> JSONValue {
    .object([
      "rule": .string(finding.rule.name), "correct": .double(finding.correct),
      "total": .integer(finding.total), "accuracy": .double(100 * finding.share),
      "held_out_correct": .double(finding.heldOutCorrect),
      "held_out_total": .integer(finding.heldOutTotal), "chance": .double(100 * finding.chance),
      "p_value": .double(finding.pValue), "beats_chance": .bool(finding.beatsChance),
      "explanation": .string(finding.rule.meaning),
    ])
  }
}
