/// Cuts text into the pieces that byte-pair merges never cross.
///
/// Each pattern is a hand-written scanner over Unicode scalars; what a regular expression would say is in `pattern`.
package enum PreTokenizer: Sendable, Equatable {
  /// Qwen's pattern.
  case qwen
  /// GPT-2's pattern.
  case gpt2
  /// Each digit by itself.
  case digits

  static let qwenPattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// Ends of the pieces of `scalars`, in order; the last is the number of scalars.
  func ends(_ scalars: ArraySlice<Unicode.Scalar>) -> [Int] {
    var ends: [Int] = []
    var position = scalars.startIndex
    let scanner = PieceScanner(scalars)
    while position < scalars.endIndex {
      let next =
        switch self {
        case .qwen: scanner.qwenEnd(from: position)
        case .gpt2: scanner.gpt2End(from: position)
        case .digits: scanner.digitsEnd(from: position)
        }
      position = next
      ends.append(next)
    }
    return ends
  }
}

/// Classes of scalars as the patterns use them.
enum ScalarClass {
  case letter, number, newline, space, other

  init(_ scalar: Unicode.Scalar) {
    switch scalar.value {
    case 0x41...0x5A, 0x61...0x7A: self = .letter
    case 0x30...0x39: self = .number
    case 0x0A, 0x0D: self = .newline
    case 0x20, 0x09, 0x0B, 0x0C: self = .space
    case 0..<0x80: self = .other
    default:
      switch scalar.properties.generalCategory {
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
        self = .letter
      case .decimalNumber, .letterNumber, .otherNumber: self = .number
      default: self = scalar.properties.isWhitespace ? .space : .other
      }
    }
  }

  var isSpace: Bool { self == .space || self == .newline }
}

private struct PieceScanner {
  let scalars: ArraySlice<Unicode.Scalar>

  init(_ scalars: ArraySlice<Unicode.Scalar>) { self.scalars = scalars }

  private func kind(_ index: Int) -> ScalarClass? {
    index < scalars.endIndex ? ScalarClass(scalars[index]) : nil
  }

  private func run(from start: Int, while matches: (ScalarClass) -> Bool) -> Int {
    var end = start
    while let kind = kind(end), matches(kind) { end += 1 }
    return end
  }

  /// The end of 's, 't, 're, 've, 'm, 'll or 'd, in any case if asked; nil if there is none.
  private func contractionEnd(from start: Int, ignoringCase: Bool) -> Int? {
    guard scalars[start] == "'" else { return nil }
    func folded(_ index: Int) -> Unicode.Scalar? {
      guard index < scalars.endIndex else { return nil }
      let scalar = scalars[index]
      guard ignoringCase else { return scalar }
      if scalar.value == 0x17F { return "s" }
      return (0x41...0x5A).contains(scalar.value) ? Unicode.Scalar(scalar.value + 32) : scalar
    }
    switch (folded(start + 1), folded(start + 2)) {
    case ("s", _), ("t", _), ("m", _), ("d", _): return start + 2
    case ("r", "e"), ("v", "e"), ("l", "l"): return start + 3
    default: return nil
    }
  }

  func qwenEnd(from start: Int) -> Int {
    if let end = contractionEnd(from: start, ignoringCase: true) { return end }
    guard let first = kind(start) else { return start }
    if first == .letter { return run(from: start) { $0 == .letter } }
    if first != .newline && first != .number && kind(start + 1) == .letter {
      return run(from: start + 1) { $0 == .letter }
    }
    if first == .number { return start + 1 }
    let body = scalars[start] == " " ? start + 1 : start
    if kind(body) == .other {
      return run(from: run(from: body) { $0 == .other }) { $0 == .newline }
    }
    let spaces = run(from: start) { $0.isSpace }
    if let last = scalars[start..<spaces].lastIndex(where: { ScalarClass($0) == .newline }) {
      return last + 1
    }
    return spacesEnd(start, spaces)
  }

  func gpt2End(from start: Int) -> Int {
    if let end = contractionEnd(from: start, ignoringCase: false) { return end }
    let body = scalars[start] == " " ? start + 1 : start
    if let kind = kind(body), !kind.isSpace { return run(from: body) { $0 == kind } }
    return spacesEnd(start, run(from: start) { $0.isSpace })
  }

  /// A run of spaces leaves its last one to the word that follows.
  private func spacesEnd(_ start: Int, _ end: Int) -> Int {
    end < scalars.endIndex && end > start + 1 ? end - 1 : end
  }

  func digitsEnd(from start: Int) -> Int {
    func isDigit(_ index: Int) -> Bool { kind(index) == .number }
    if isDigit(start) { return start + 1 }
    var end = start
    while end < scalars.endIndex && !isDigit(end) { end += 1 }
    return end
  }
}
