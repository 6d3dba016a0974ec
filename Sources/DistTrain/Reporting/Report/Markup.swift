/// HTML text. Literals stand for themselves; what is put into them is escaped unless it is markup already.
package struct Markup: Sendable, Equatable, ExpressibleByStringInterpolation {
  package private(set) var html: String

  package init(stringLiteral value: String) { html = value }
  package init(stringInterpolation: StringInterpolation) { html = stringInterpolation.html }

  /// The text of the world as it is, with every mark that HTML knows escaped.
  package init(text: String) { html = Self.escaped(text) }

  package static func += (left: inout Markup, right: Markup) { left.html += right.html }
  package static func + (left: Markup, right: Markup) -> Markup { "\(left)\(right)" }

  package var isEmpty: Bool { html.isEmpty }

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var html = ""

    package init(literalCapacity: Int, interpolationCount: Int) {
      html.reserveCapacity(literalCapacity)
    }

    package mutating func appendLiteral(_ literal: String) { html += literal }
    package mutating func appendInterpolation(_ text: String) { html += Markup.escaped(text) }
    package mutating func appendInterpolation(_ value: Int) { html += String(value) }
    package mutating func appendInterpolation(_ markup: Markup) { html += markup.html }
    package mutating func appendInterpolation(_ parts: [Markup]) {
      for part in parts { html += part.html }
    }
  }

  /// Control characters, which no HTML text may hold, become the replacement character.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\n", "\t", "\r": escaped.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}

extension Sequence<Markup> {
  package func joined(_ separator: Markup = "") -> Markup {
    var all: Markup = ""
    for (position, part) in enumerated() {
      if position > 0 { all += separator }
      all += part
    }
    return all
  }
}
