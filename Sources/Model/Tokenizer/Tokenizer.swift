internal import Foundation

/// Why a tokenizer.json cannot be used.
package struct TokenizerError: Error, Equatable, CustomStringConvertible {
  package let description: String
}

/// Byte-level byte-pair encoding as a Hugging Face tokenizer.json describes it.
package struct Tokenizer: Sendable {
  private let composes: Bool
  private let preTokenizers: [PreTokenizer]
  private let addsPrefixSpace: Bool
  private let ignoresMerges: Bool
  private let ids: [String: Int32]
  private let byteIds: [Int32]
  private let merger: BytePairMerger
  private let rawAdded: AddedTokens, normalizedAdded: AddedTokens
  /// Bytes of every token by id.
  private let bytes: [[UInt8]]

  /// Highest id + 1.
  package var vocabularySize: Int { bytes.count }

  /// The id of a token by its written form.
  package func id(of token: String) -> Int32? { ids[token] }

  /// Reads a tokenizer.json; throws a sentence that names the file and what in it cannot be used.
  package init(path: String) throws(TokenizerError) {
    var parts: TokenizerFile
    do { parts = try TokenizerFile(path: path) } catch {
      throw TokenizerError(description: "\(path): \(error)")
    }
    composes = parts.composes
    preTokenizers = parts.preTokenizers
    addsPrefixSpace = parts.addsPrefixSpace
    ignoresMerges = parts.ignoresMerges
    merger = parts.merger
    byteIds = parts.byteIds
    rawAdded = AddedTokens(parts.added.filter { !$0.isNormalized })
    normalizedAdded = AddedTokens(parts.added.filter(\.isNormalized))
    bytes = parts.bytes
    ids = parts.ids
  }

  /// The ids of `text`; added tokens are found in it, nothing is put around it.
  package func encode(_ text: String) -> [Int32] {
    var result: [Int32] = []
    for piece in rawAdded.split(Array(text.unicodeScalars)[...]) {
      switch piece {
      case .token(let id): result.append(id)
      case .text(let scalars):
        for piece in normalizedAdded.split(normalized(scalars)) {
          switch piece {
          case .token(let id): result.append(id)
          case .text(let scalars): encodePieces(scalars, into: &result)
          }
        }
      }
    }
    return result
  }

  /// The text of `ids`; ids outside of the vocabulary are skipped, broken UTF-8 is shown as the replacement character.
  package func decode(_ ids: [Int32]) -> String {
    let all = ids.flatMap { bytes.indices.contains(Int($0)) ? bytes[Int($0)] : [] }
    return String(decoding: all, as: UTF8.self)
  }

  private func normalized(_ scalars: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
    guard composes, scalars.contains(where: { !$0.isASCII }) else { return scalars }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return Array(String(view).precomposedStringWithCanonicalMapping.unicodeScalars)[...]
  }

  private func encodePieces(_ scalars: ArraySlice<Unicode.Scalar>, into result: inout [Int32]) {
    var pieces = [scalars]
    for preTokenizer in preTokenizers {
      pieces = pieces.flatMap { piece in
        var piece = piece
        if preTokenizer == .gpt2 && addsPrefixSpace && piece.first != " " { piece = [" "] + piece }
        var start = piece.startIndex
        return preTokenizer.ends(piece).map { end in
          defer { start = end }
          return piece[start..<end]
        }
      }
    }
    for piece in pieces { encodePiece(piece, into: &result) }
  }

  private func encodePiece(_ piece: ArraySlice<Unicode.Scalar>, into result: inout [Int32]) {
    let pieceBytes = piece.flatMap { Array(UTF8.encode($0) ?? .init()) }
    if ignoresMerges {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: pieceBytes.map { ByteAlphabet.scalars[Int($0)] })
      if let id = ids[String(view)] {
        result.append(id)
        return
      }
    }
    result += merger.merge(pieceBytes.map { byteIds[Int($0)] }.filter { $0 >= 0 })
  }
}
