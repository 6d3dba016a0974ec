/// Classes of scalars as the pre-tokenizers' patterns use them.
///
/// The reference (Hugging Face `tokenizers` 0.23) knows letters and numbers of Unicode 16, composes by the data of
/// Unicode 9 and tells digits by those of Unicode 17: younger scalars are of no class to it.
package enum ScalarClass: Sendable {
  case letter, number, newline, space, other
  private static let newest = 16

  package init(_ scalar: Unicode.Scalar) {
    switch scalar.value {
    case 0x41...0x5A, 0x61...0x7A: self = .letter
    case 0x30...0x39: self = .number
    case 0x0A, 0x0D: self = .newline
    case 0x20, 0x09, 0x0B, 0x0C: self = .space
    case 0..<0x80: self = .other
    default:
      let properties = scalar.properties
      switch properties.generalCategory {
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
        self = scalar.isKnown(toUnicode: Self.newest) ? .letter : .other
      case .decimalNumber, .letterNumber, .otherNumber:
        self = scalar.isKnown(toUnicode: Self.newest) ? .number : .other
      default: self = properties.isWhitespace ? .space : .other
      }
    }
  }

  var isSpace: Bool { self == .space || self == .newline }

  /// Whether `Digits` sets a scalar apart.
  package static func isNumeric(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: scalar.isKnown(toUnicode: 17)
    default: false
    }
  }

  /// Whether a scalar beside an added token makes the two one word (UTS 18, annex C: \w).
  package static func isPartOfWord(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.isKnown(toUnicode: newest) else { return false }
    let properties = scalar.properties
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return false
    }
  }
}

extension Unicode.Scalar {
  /// Whether Unicode has had this scalar since the given major version or before.
  func isKnown(toUnicode version: Int) -> Bool {
    properties.age.map { $0.major <= version } ?? false
  }
}
