internal import Model

extension EvaluationResult {
  /// A group of fewer questions has an interval too wide to say anything.
  package static let telling = 20

  private static func percent(_ share: Double) -> String { Console.fixed(100 * share, 1) }

  /// A group's score with its n and interval.
  ///
  /// - Parameter notes: Whether to say that it is too small a group.
  static func line(_ name: String, _ tally: Tally, notes: Bool) -> String {
    let filled = name + String(repeating: " ", count: max(0, 14 - name.count))
    guard tally.total > 0 else { return "  \(filled)   n = 0" }
    let note = notes && tally.total < telling ? "  too few" : ""
    return
      "  \(filled) \(Console.padded(percent(tally.share), 5)) %   n = \(Console.padded("\(tally.total)", 3))"
      + "   95 % interval \(percent(tally.interval.low))-\(percent(tally.interval.high))" + note
  }

  /// The score as a person reads it.
  package func summary(_ title: String) -> String {
    let (gold, predicted) = histograms
    func letters(_ counts: [Int]) -> String {
      counts.enumerated().map { "\(letter($0)) \($1)" }.joined(separator: "  ")
    }
    let constant = constantAnswer
    return
      ([Self.line(title, overall, notes: false)]
      + byType.map { Self.line($0.name, $0.tally, notes: true) } + [
        "  chance \(Self.percent(chance)) %, always \(constant.letter) \(Self.percent(constant.share)) %",
        "  right letters   \(letters(gold))", "  picked letters  \(letters(predicted))",
      ] + remarks).joined(separator: "\n")
  }

  private var remarks: [String] {
    var lines: [String] = []
    if truncatedCount > 0 { lines.append("  \(truncatedCount) truncated to max_length") }
    if unparsableCount > 0 {
      lines.append("  \(unparsableCount) generated answers name no letter and count as wrong")
    }
    if let calibration {
      lines.append(
        "  calibration error of the letters' probabilities"
          + " \(Console.fixed(100 * calibration.expectedError, 1)) %")
    }
    return lines
  }
}
