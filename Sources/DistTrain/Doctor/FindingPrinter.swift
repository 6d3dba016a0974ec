/// Turns findings into lines of at most eighty columns.
package struct FindingPrinter: Sendable {
  private let isColored: Bool
  private static let width = 80
  private static let indent = 18

  package init(isColored: Bool) { self.isColored = isColored }

  package func lines(_ finding: Finding) -> [String] {
    let mark =
      switch finding.level {
      case .fine: colored("ok  ", 32)
      case .warning: colored("warn", 33)
      case .failure: colored("FAIL", 31)
      }
    let space = String(repeating: " ", count: Self.indent)
    let name = finding.name + String(repeating: " ", count: max(1, 12 - finding.name.count))
    let detail = Self.wrapped(finding.detail, width: Self.width - Self.indent)
    let rest = detail.dropFirst().map { space + $0 }
    let fix = finding.fix.map { Self.wrapped("fix: " + $0, width: Self.width - Self.indent) } ?? []
    return ["\(mark)  \(name)\(detail.first ?? "")"] + rest + fix.map { space + $0 }
  }

  /// The last line: how many checks, and what is to be done.
  package func summary(_ findings: [Finding]) -> String {
    let failures = findings.count { $0.level == .failure }
    let warnings = findings.count { $0.level == .warning }
    func counted(_ count: Int, _ noun: String) -> String {
      "\(count) \(noun)\(count == 1 ? "" : "s")"
    }
    if failures > 0 {
      let more = warnings > 0 ? ", \(counted(warnings, "warning"))" : ""
      return colored(
        "\(counted(failures, "failure"))\(more) in \(findings.count) checks: do not train yet", 31)
    }
    if warnings > 0 {
      return colored("\(counted(warnings, "warning")) in \(findings.count) checks: ready", 33)
    }
    return colored("all \(findings.count) checks are green: ready", 32)
  }

  private func colored(_ text: String, _ code: Int) -> String {
    isColored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }

  /// Breaks at spaces, and within words that are longer than a line after a '/' or anywhere.
  static func wrapped(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(whereSeparator: \.isWhitespace) {
      var word = word
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      while word.count > width {
        let start = word.prefix(width)
        let piece = start.lastIndex(of: "/").map { start[...$0] } ?? start
        lines.append(String(piece))
        word = word.dropFirst(piece.count)
      }
      line += line.isEmpty ? String(word) : " " + word
    }
    return lines + (line.isEmpty ? [] : [line])
  }
}
