/// Two runs' answers to the same questions.
package struct RunComparison {
  package let first: RunRecord, second: RunRecord
  package let test: McNemar
  /// Questions that both have answered.
  package let common: Int
  private let totals: (first: Int, second: Int)

  /// Nil where either run has no answers.
  package init?(_ first: RunRecord, _ second: RunRecord) {
    guard let a = first.score?.answers, let b = second.score?.answers, !a.isEmpty, !b.isEmpty else {
      return nil
    }
    // The same question may stand twice in a run, so its occurrences are told apart.
    func numbered(_ answers: [ScoreRecord.Answer]) -> [[String]: Bool] {
      var (all, seen) = ([[String]: Bool](), [[String]: Int]())
      for answer in answers {
        seen[answer.key, default: 0] += 1
        all[answer.key + ["\(seen[answer.key] ?? 1)"]] = answer.isCorrect
      }
      return all
    }
    let (left, right) = (numbered(a), numbered(b))
    let pairs = left.compactMap { key, isCorrect in
      right[key].map { (first: isCorrect, second: $0) }
    }
    test = McNemar(pairs)
    common = pairs.count
    totals = (a.count, b.count)
    (self.first, self.second) = (first, second)
  }

  var differs: Bool { common != totals.first || common != totals.second }

  /// What must be known before the p-value is read; empty where the questions and the scoring are the same.
  package var caveat: String {
    var parts: [String] = []
    if common == 0 {
      parts.append("no question in common: not comparable")
    } else if differs {
      parts.append(
        "the questions differ: \(common) in common of \(totals.first) and \(totals.second)")
    }
    let (a, b) = (first.score?.protocolParts ?? [], second.score?.protocolParts ?? [])
    for part in a {
      if let other = b.first(where: { $0.name == part.name }), other.value != part.value {
        parts.append("\(part.name) \(part.value) against \(other.value)")
      }
    }
    return parts.joined(separator: "; ")
  }

  package var pText: String { common == 0 ? "–" : NumberText.probability(test.pValue) }

  /// Every pair of `runs` that has answers.
  static func pairs(_ runs: [RunRecord]) -> [RunComparison] {
    runs.indices.flatMap { first in
      runs.indices.dropFirst(first + 1).compactMap { RunComparison(runs[first], runs[$0]) }
    }
  }
}
