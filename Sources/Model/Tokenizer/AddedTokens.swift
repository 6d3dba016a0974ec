/// Tokens that are found in the text before anything else looks at it.
struct AddedTokens: Sendable {
  struct Token: Sendable {
    let id: Int32
    let content: [Unicode.Scalar]
    let isNormalized: Bool, stripsLeft: Bool, stripsRight: Bool, isWord: Bool
  }
  /// By first scalar, longest first.
  private var byFirst: [Unicode.Scalar: [Token]] = [:]

  init(_ tokens: [Token]) {
    for token in tokens {
      if let first = token.content.first { byFirst[first, default: []].append(token) }
    }
    for first in byFirst.keys { byFirst[first]?.sort { $0.content.count > $1.content.count } }
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
      var end = position + token.content.count
      var textEnd = position
      if token.stripsLeft {
        while textEnd > start, scalars[textEnd - 1].properties.isWhitespace { textEnd -= 1 }
      }
      if token.stripsRight {
        while end < scalars.endIndex, scalars[end].properties.isWhitespace { end += 1 }
      }
      if textEnd > start { pieces.append(.text(scalars[start..<textEnd])) }
      pieces.append(.token(token.id))
      start = end
      position = end
    }
    if start < scalars.endIndex { pieces.append(.text(scalars[start...])) }
    return pieces
  }

  private func match(_ scalars: ArraySlice<Unicode.Scalar>, _ position: Int) -> Token? {
    byFirst[scalars[position]]?.first { token in
      let end = position + token.content.count
      guard end <= scalars.endIndex, scalars[position..<end].elementsEqual(token.content) else {
        return false
      }
      func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar == "_" || ScalarClass(scalar) == .number
      }
      return !token.isWord
        || !(position > scalars.startIndex && isWordScalar(scalars[position - 1]))
          && !(end < scalars.endIndex && isWordScalar(scalars[end]))
    }
  }
}
