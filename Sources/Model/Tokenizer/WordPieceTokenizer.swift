/// BERT's tokenizer: words cut greedily into the longest pieces of a vocabulary.
///
/// Source: Devlin et al., BERT, 2019; Wu et al., Google's Neural Machine Translation System, 2016.
struct WordPieceTokenizer: Sendable {
  private let file: WordPieceFile
  private let rawAdded: AddedTokens, normalizedAdded: AddedTokens

  /// Highest id + 1.
  var vocabularySize: Int {
    max(file.vocabulary.size, (file.added.tokens.map { Int($0.id) + 1 }).max() ?? 0)
  }

  init(file: WordPieceFile) {
    self.file = file
    rawAdded = AddedTokens(file.added.tokens.filter { !$0.isNormalized })
    normalizedAdded = AddedTokens(
      file.added.tokens.filter(\.isNormalized).map { token in
        var token = token
        if let normalizer = file.normalizer {
          token.content = Array(normalizer.normalized(token.content[...]))
        }
        return token
      })
  }

  /// The ids of `text`; added tokens are found in it, nothing is put around it.
  func encode(_ text: String) -> [Int32] {
    var result: [Int32] = []
    for piece in rawAdded.split(Array(text.unicodeScalars)[...]) {
      switch piece {
      case .token(let id): result.append(id)
      case .text(let scalars):
        for piece in normalizedAdded.split(file.normalizer?.normalized(scalars) ?? scalars) {
          switch piece {
          case .token(let id): result.append(id)
          case .text(let scalars): encodeWords(scalars, into: &result)
          }
        }
      }
    }
    return result
  }

  /// Cuts at spaces, and around every punctuation mark.
  private func encodeWords(_ text: ArraySlice<Unicode.Scalar>, into result: inout [Int32]) {
    var start = text.startIndex
    for index in text.indices {
      let scalar = text[index]
      let isSpace = scalar.properties.isWhitespace
      guard isSpace || BertScalar.isPunctuation(scalar) else { continue }
      encodeWord(text[start..<index], into: &result)
      if !isSpace { encodeWord(text[index...index], into: &result) }
      start = index + 1
    }
    encodeWord(text[start...], into: &result)
  }

  private func encodeWord(_ word: ArraySlice<Unicode.Scalar>, into result: inout [Int32]) {
    guard !word.isEmpty else { return }
    guard word.count <= file.longestWord else { return result.append(file.unknownId) }
    let known = result.count
    // Pieces inside of a word are looked up with the prefix in front of them.
    var bytes = file.continuingPrefix
    var ends = [bytes.count]
    for scalar in word {
      bytes += UTF8.encode(scalar) ?? .init()
      ends.append(bytes.count)
    }
    var first = 0
    while first < word.count {
      guard let (last, id) = longestPiece(bytes, ends, first) else {
        result.removeLast(result.count - known)
        return result.append(file.unknownId)
      }
      result.append(id)
      first = last
    }
  }

  /// The longest token that a word has from its scalar `first` on, and the scalar behind it.
  private func longestPiece(
    _ bytes: [UInt8], _ ends: [Int], _ first: Int
  ) -> (end: Int, id: Int32)? {
    let prefix = file.continuingPrefix
    let written = first == 0 ? bytes : prefix + bytes[ends[first]...]
    let start = first == 0 ? prefix.count : 0
    let shift = first == 0 ? 0 : ends[first] - prefix.count
    for last in stride(from: ends.count - 1, to: first, by: -1) {
      if let id = file.vocabulary.id(of: start..<ends[last] - shift, in: written) {
        return (last, id)
      }
    }
    return nil
  }
}
