extension ConfigurationKey {
  /// What the key accepts, as an error message says it.
  var expectation: String {
    switch kind {
    case .text, .optionalText: "a text"
    case .integer(let range):
      range.upperBound == Int.max
        ? "a whole number from \(range.lowerBound)"
        : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range):
      "a number from \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))"
    case .flag: "true or false"
    case .choice(let choices):
      choices.dropLast().joined(separator: ", ") + " or " + (choices.last ?? "")
    case .list: "a list"
    }
  }

  /// Whether two texts give the setting the same value: 2e-4 and 0.0002, yes and true.
  func means(_ text: String, sameAs other: String) -> Bool {
    guard text != other else { return true }
    switch kind {
    case .integer:
      guard let value = Int(text) else { return false }
      return value == Int(other)
    case .number:
      guard let value = Self.number(text) else { return false }
      return value == Self.number(other)
    case .flag:
      guard let value = Self.flag(text) else { return false }
      return value == Self.flag(other)
    case .list: return Set(Self.words(text)) == Set(Self.words(other))
    case .text, .optionalText, .choice: return false
    }
  }

  /// A decimal number; nil for what Swift reads besides (hexadecimal, infinity, not a number).
  static func number(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let value = Double(text),
      value.isFinite
    else { return nil }
    return value
  }

  /// The words of YAML 1.1.
  static func flag(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "on", "1": true
    case "false", "no", "off", "0": false
    default: nil
    }
  }

  static func words(_ text: String) -> [String] {
    text.split(separator: ",").map { word in
      String(word.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
  }

  private static func short(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
  }
}
