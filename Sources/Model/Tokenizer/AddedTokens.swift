/// Tokens that are found in the text before anything else looks at it.
struct AddedTokens: Sendable {
  struct Token: Sendable {
    let id: Int32
    var content: [Unicode.Scalar]
    let isSpecial: Bool, isNormalized: Bool, stripsLeft: Bool, stripsRight: Bool, isWord: Bool
  }
  /// By first scalar, longest first.
  private var byFirst: [Unicode.Scalar: [Token]] = [:]
  /// Which ASCII scalars begin a token, and whether any other does: most text is passed over by this alone.
  private var asciiFirsts = [Bool](repeating: false, count: 128)
  private var hasOtherFirsts = false

  init(_ tokens: [Token]) {
    // Of two tokens with the same content the reference takes a special one, then the first.
    let ordered = (tokens.filter(\.isSpecial) + tokens.filter { !$0.isSpecial }).enumerated().sorted
    {
      ($1.element.content.count, $0.offset) < ($0.element.content.count, $1.offset)
    }
    for (_, token) in ordered {
      guard let first = token.content.first else { continue }
      byFirst[first, default: []].append(token)
      if first.isASCII { asciiFirsts[Int(first.value)] = true } else { hasOtherFirsts = true }
    }
  }

  enum Piece {
    case text(ArraySlice<Unicode.Scalar>)
    case token(Int32)
  }

  /// The text cut at every added token.
  func split(_ scalars: ArraySlice<Unicode.Scalar>) -> [Piece] {
    guard !byFirst.isEmpty else { return [.text(scalars)] }
    var pieces: [Piece] = []
    var start = scalars.startIndex
    var position = start
    while position < scalars.endIndex {
      guard let token = match(scalars, position) else {
        position += 1
        continue
      }
      let match = position..<position + token.content.count
      // What follows is searched from the end of the match, even where that is within the space stripped behind it.
      position = match.upperBound
      if token.isWord && touchesWord(scalars, match) { continue }
      let taken = stripped(token, scalars, match, from: start)
      if start < taken.lowerBound { pieces.append(.text(scalars[start..<taken.lowerBound])) }
      if !taken.isEmpty { pieces.append(.token(token.id)) }
      start = taken.upperBound
    }
    if start < scalars.endIndex { pieces.append(.text(scalars[start...])) }
    return pieces
  }

  private func match(_ scalars: ArraySlice<Unicode.Scalar>, _ position: Int) -> Token? {
    let first = scalars[position]
    guard first.isASCII ? asciiFirsts[Int(first.value)] : hasOtherFirsts else { return nil }
    return byFirst[first]?.first { scalars[position...].starts(with: $0.content) }
  }

  private func touchesWord(_ scalars: ArraySlice<Unicode.Scalar>, _ match: Range<Int>) -> Bool {
    match.lowerBound > scalars.startIndex
      && ScalarClass.isPartOfWord(scalars[match.lowerBound - 1])
      || match.upperBound < scalars.endIndex && ScalarClass.isPartOfWord(scalars[match.upperBound])
  }

  /// A match with the space around it that its token swallows.
  private func stripped(
    _ token: Token, _ scalars: ArraySlice<Unicode.Scalar>, _ match: Range<Int>, from start: Int
  ) -> Range<Int> {
    var (lower, upper) = (match.lowerBound, match.upperBound)
    if token.stripsLeft {
      while lower > scalars.startIndex, scalars[lower - 1].properties.isWhitespace { lower -= 1 }
      lower = max(lower, start)
    }
    if token.stripsRight {
      while upper < scalars.endIndex, scalars[upper].properties.isWhitespace { upper += 1 }
    }
    return min(lower, upper)..<upper
  }
}
