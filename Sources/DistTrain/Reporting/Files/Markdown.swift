/// Text of the world in Markdown, so that it stays text.
package enum Markdown {
  /// On one line, with every mark that means something escaped.
  package static func text(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case _ where character.isNewline || character == "\t": escaped += " "
      case _ where "\\`*_{}[]()#+!|~$".contains(character): escaped += "\\\(character)"
      default: escaped.append(character)
      }
    }
    return escaped
  }

  /// A cell of a table.
  package static func cell(_ text: String) -> String { self.text(text) }

  /// A table with its heading; columns after the first are numbers and stand to the right.
  package static func table(_ heading: [String], _ rows: [[String]]) -> String {
    let rule = heading.indices.map { $0 == 0 ? "---" : "---:" }
    return ([heading, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
  }
}
