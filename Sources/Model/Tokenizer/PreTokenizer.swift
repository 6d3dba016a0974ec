/// Cuts text into the pieces that byte-pair merges never cross.
///
/// Each pattern is a hand-written scanner over Unicode scalars; beside it stands the regular expression it follows.
enum PreTokenizer: Sendable, Equatable {
  /// Qwen's pattern.
  case qwen
  /// GPT-2's pattern.
  case gpt2
  /// Numbers apart from the rest, each digit by itself or runs of them.
  case digits(individually: Bool)
  /// A space in front of every piece that has none.
  case prefixSpace

  static let qwenPattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  static let gpt2Pattern =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  /// Calls `body` with the pieces of `text`, in order; none is empty unless `text` is.
  func forEachPiece(
    of text: ArraySlice<Unicode.Scalar>, _ body: (ArraySlice<Unicode.Scalar>) -> Void
  ) {
    if self == .prefixSpace { return body(text.first == " " ? text : [" "] + text) }
    let scanner = PieceScanner(text)
    var start = text.startIndex
    while start < text.endIndex {
      let end =
        switch self {
        case .qwen: scanner.qwenEnd(from: start)
        case .gpt2: scanner.gpt2End(from: start)
        case .digits(let individually): scanner.digitsEnd(from: start, individually: individually)
        case .prefixSpace: text.endIndex
        }
      body(text[start..<end])
      start = end
    }
  }
}

private struct PieceScanner {
  let scalars: ArraySlice<Unicode.Scalar>
  /// Of each scalar.
  private let classes: [ScalarClass]

  init(_ scalars: ArraySlice<Unicode.Scalar>) {
    self.scalars = scalars
    classes = scalars.map { ScalarClass($0) }
  }

  private func kind(_ index: Int) -> ScalarClass? {
    index < scalars.endIndex ? classes[index - scalars.startIndex] : nil
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
    if let last = (start..<spaces).last(where: { kind($0) == .newline }) { return last + 1 }
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

  func digitsEnd(from start: Int, individually: Bool) -> Int {
    let isNumeric = ScalarClass.isNumeric(scalars[start])
    if isNumeric && individually { return start + 1 }
    return scalars[start...].firstIndex { ScalarClass.isNumeric($0) != isNumeric }
      ?? scalars.endIndex
  }
}
