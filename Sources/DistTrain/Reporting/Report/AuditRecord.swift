package import Model

/// What audit.json says of the questions: whether anything but understanding gives answers away.
package struct AuditRecord: Sendable {
  package struct Rule: Sendable {
    package let name: String, explanation: String
    /// Ties count by their share.
    package let correct: Double
    package let total: Int
    /// Shares from 0 to 1.
    package let accuracy: Double
    package let chance: Double?, pValue: Double?
    package let beatsChance: Bool

    var rightText: String { "\(LeakAudit.count(correct)) of \(total)" }
  }

  package let isLeak: Bool
  package let verdict: String
  package let questions: Int?
  package private(set) var rules: [Rule]
  package private(set) var positions: [(split: String, counts: [(letter: String, count: Int)])]
  package private(set) var overlap: [(name: String, count: Int)]
  package private(set) var warnings: [String]

  package init(_ json: JSONValue) {
    verdict = json["verdict"]?.stringValue ?? "unknown"
    isLeak = verdict == "leak"
    questions = json["questions"]?.intValue
    rules = (json["rules"]?.arrayValue ?? []).map { rule in
      let (correct, total) = (rule["correct"]?.doubleValue ?? 0, rule["total"]?.intValue ?? 0)
      let share = total > 0 ? correct / Double(total) : 0
      return Rule(
        name: rule["rule"]?.stringValue ?? "a rule",
        explanation: rule["explanation"]?.stringValue ?? "", correct: correct, total: total,
        accuracy: (rule["accuracy"]?.doubleValue).map { $0 / 100 } ?? share,
        chance: (rule["chance"]?.doubleValue).map { $0 / 100 },
        pValue: rule["p_value"]?.doubleValue,
        beatsChance: rule["beats_chance"]?.boolValue ?? false)
    }
    positions = Self.members(json["gold_positions"]).map { split, counts in
      (split, Self.members(counts).map { ($0, $1.intValue ?? 0) })
    }
    overlap = Self.members(json["overlap"]).compactMap { name, value in
      let count = value.intValue ?? value.arrayValue?.count
      return count.map { (name.replacing("_", with: " "), $0) }
    }
    warnings = (json["warnings"]?.arrayValue ?? []).compactMap(\.stringValue)
  }

  /// What it says of all questions, and not of how they are split.
  var ofAllQuestions: AuditRecord {
    var audit = self
    audit.rules = rules.filter { $0.total == questions }
    (audit.positions, audit.overlap, audit.warnings) = ([], [], [])
    return audit
  }

  private static func members(_ json: JSONValue?) -> [(String, JSONValue)] {
    json?.objectValue.map { Array(zip($0.keys, $0.values)) } ?? []
  }
}
