/// Why a tokenizer.json cannot be used.
package struct TokenizerError: Error, Equatable, CustomStringConvertible {
  package let description: String
}

/// Byte-level byte-pair encoding as a Hugging Face tokenizer.json describes it.
///
/// Its truncation and padding are not applied: how long a text may be is for the caller to say.
package struct Tokenizer: Sendable {
  private let parts: TokenizerFile
  private let rawAdded: AddedTokens, normalizedAdded: AddedTokens

  /// Highest id + 1.
  package let vocabularySize: Int

  /// Reads a tokenizer.json; throws a sentence that names the file and what in it cannot be used.
  package init(path: String) throws(TokenizerError) {
    try self.init(path: path, ignoresTemplate: false)
  }

  /// - Parameter ignoresTemplate: What is put around texts is for the caller to read.
  init(path: String, ignoresTemplate: Bool) throws(TokenizerError) {
    do { parts = try TokenizerFile(path: path, ignoresTemplate: ignoresTemplate) } catch {
      throw TokenizerError(description: "\(path): \(error)")
    }
    rawAdded = AddedTokens(parts.added.tokens.filter { !$0.isNormalized })
    let composes = parts.composes
    normalizedAdded = AddedTokens(
      parts.added.tokens.filter(\.isNormalized).map { token in
        var token = token
        if composes { token.content = Array(CanonicalComposition.composed(token.content[...])) }
        return token
      })
    vocabularySize = max(
      parts.vocabulary.size, (parts.added.tokens.map { Int($0.id) + 1 }).max() ?? 0)
  }

  /// The id of a token by its written form.
  package func id(of token: String) -> Int32? {
    parts.added.ids[Array(token.utf8)] ?? parts.vocabulary.id(of: token)
  }

  /// The ids of `text`; added tokens are found in it, nothing is put around it.
  package func encode(_ text: String) -> [Int32] {
    var result: [Int32] = []
    var merger = BytePairMerger(parts.merges)
    for piece in rawAdded.split(Array(text.unicodeScalars)[...]) {
      switch piece {
      case .token(let id): result.append(id)
      case .text(let scalars):
        let scalars = parts.composes ? CanonicalComposition.composed(scalars) : scalars
        for piece in normalizedAdded.split(scalars) {
          switch piece {
          case .token(let id): result.append(id)
          case .text(let scalars):
            encode(scalars, through: parts.preTokenizers[...], &merger, into: &result)
          }
        }
      }
    }
    return result
  }

  /// The text of `ids`; ids outside of the vocabulary are skipped, broken UTF-8 is shown as the replacement character.
  package func decode(_ ids: [Int32]) -> String {
    var bytes: [UInt8] = []
    for id in ids {
      if let content = parts.added.contents[id] {
        bytes += content
      } else {
        ByteAlphabet.append(bytesOf: parts.vocabulary.writtenForm(id), to: &bytes)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func encode(
    _ text: ArraySlice<Unicode.Scalar>, through preTokenizers: ArraySlice<PreTokenizer>,
    _ merger: inout BytePairMerger, into result: inout [Int32]
  ) {
    guard let first = preTokenizers.first else {
      return encodePiece(text, &merger, into: &result)
    }
    first.forEachPiece(of: text) {
      encode($0, through: preTokenizers.dropFirst(), &merger, into: &result)
    }
  }

  private func encodePiece(
    _ piece: ArraySlice<Unicode.Scalar>, _ merger: inout BytePairMerger, into result: inout [Int32]
  ) {
    if parts.ignoresMerges, let id = wholeToken(piece) { return result.append(id) }
    var followsUnknown = false
    for scalar in piece {
      UTF8.encode(scalar).map {
        for byte in $0 { append(byte, &followsUnknown, to: &merger) }
      }
    }
    merger.finish(into: &result)
  }

  private func append(
    _ byte: UInt8, _ followsUnknown: inout Bool, to merger: inout BytePairMerger
  ) {
    let id = parts.byteIds[Int(byte)]
    if id >= 0 {
      merger.append(id)
      followsUnknown = false
    } else if let unknown = parts.unknownId {
      if !(followsUnknown && parts.fusesUnknown) { merger.append(unknown) }
      followsUnknown = true
    }
  }

  private func wholeToken(_ piece: ArraySlice<Unicode.Scalar>) -> Int32? {
    var written: [UInt8] = []
    for scalar in piece {
      for byte in UTF8.encode(scalar) ?? .init() {
        written += UTF8.encode(ByteAlphabet.scalars[Int(byte)]) ?? .init()
      }
    }
    return parts.vocabulary.id(of: 0..<written.count, in: written)
  }
}
