/// What BERT's tokenizers do to a text before they cut it into words.
struct BertNormalizer: Sendable, Equatable {
  /// Control characters go, and every kind of space becomes a space.
  var cleansText = true
  /// Every ideograph becomes a word.
  var separatesIdeographs = true
  var stripsAccents = true
  var lowercases = true

  func normalized(_ text: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
    var text = text
    if cleansText { text = Self.cleaned(text) }
    if separatesIdeographs { text = Self.separated(text) }
    if stripsAccents {
      text = CanonicalComposition.decomposed(text)
      text.removeAll { $0.value >= 0x300 && BertScalar.isNonspacingMark($0) }
    }
    return lowercases ? Self.lowercased(text) : text
  }

  private static func cleaned(_ text: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    for scalar in text {
      switch scalar.value {
      case 0x20...0x7E: result.append(scalar)
      case 0x09, 0x0A, 0x0D: result.append(" ")
      case 0, 0xFFFD: continue
      default:
        if BertScalar.isControl(scalar) { continue }
        result.append(scalar.properties.isWhitespace ? " " : scalar)
      }
    }
    return result[...]
  }

  private static func separated(_ text: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
    guard text.contains(where: BertScalar.isIdeograph) else { return text }
    var result: [Unicode.Scalar] = []
    for scalar in text {
      if BertScalar.isIdeograph(scalar) {
        result += [" ", scalar, " "]
      } else {
        result.append(scalar)
      }
    }
    return result[...]
  }

  private static func lowercased(_ text: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    for scalar in text {
      switch scalar.value {
      case 0x41...0x5A: result.append(Unicode.Scalar(UInt8(scalar.value + 32)))
      case ..<0x80: result.append(scalar)
      default: result += scalar.properties.lowercaseMapping.unicodeScalars
      }
    }
    return result[...]
  }
}

/// Classes of scalars as BERT's tokenizers use them.
///
/// The reference (Hugging Face `tokenizers` 0.23) has these classes by the data of Unicode 8.
enum BertScalar {
  private static let newest = 8
  /// Nonspacing marks of Unicode 8 that are none today.
  private static let formerMarks: Set<UInt32> = [0x1734, 0x1171E]
  /// Nonspacing marks of today that Unicode 8 took for something else.
  private static let laterMarks: Set<UInt32> = [0x1885, 0x1886, 0xA9BD, 0x111C9]
  /// Punctuation of Unicode 8 that is none today.
  private static let formerPunctuation: Set<UInt32> = [0x166D, 0x111C9]

  static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .privateUse: scalar.isKnown(toUnicode: newest)
    default: false
    }
  }

  static func isNonspacingMark(_ scalar: Unicode.Scalar) -> Bool {
    if formerMarks.contains(scalar.value) { return true }
    return scalar.properties.generalCategory == .nonspacingMark
      && scalar.isKnown(toUnicode: newest) && !laterMarks.contains(scalar.value)
  }

  static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return true
    case ..<0x80: return false
    default: break
    }
    switch scalar.properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      return scalar.isKnown(toUnicode: newest)
    default: return formerPunctuation.contains(scalar.value)
    }
  }

  /// The blocks the reference knows; the gap from U+2B820 on is the reference's.
  static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2B81F,
      0x2B920...0x2CEAF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
