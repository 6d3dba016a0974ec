extension ConfigurationKey {
  private static let width = 80
  private static let choicesInHead = 3

  /// All keys by section, with what they accept, default and meaning, in lines of at most 80 characters.
  package static var helpText: String {
    sections.map { section in
      ([section.title + ":"] + section.keys.map(\.helpEntry)).joined(separator: "\n")
    }.joined(separator: "\n\n")
  }

  /// "name choices [default]: meaning", on one line where it fits.
  private var helpEntry: String {
    var (head, help) = ("  " + name, self.help)
    if case .choice(let choices) = kind {
      let words = choices.joined(separator: "|")
      if choices.count <= Self.choicesInHead {
        head += " " + words
      } else {
        help += ": " + choices.joined(separator: ", ")
      }
    }
    head += fallback.map { " [\($0)]" } ?? " (required)"
    guard head.count + 2 + help.count > Self.width else { return head + ": " + help }
    return ([head] + Self.wrapped(help, to: Self.width - 6).map { "      " + $0 })
      .joined(separator: "\n")
  }

  private static func wrapped(_ text: String, to width: Int) -> [String] {
    text.split(separator: " ").reduce(into: []) { lines, word in
      if let line = lines.last, line.count + 1 + word.count <= width {
        lines[lines.count - 1] = line + " " + word
      } else {
        lines.append(String(word))
      }
    }
  }
}
