internal import Glibc

/// The tokenizer of an encoder: a question and an option become one sequence.
///
/// WordPiece (BERT, DistilBERT) or byte-level BPE (RoBERTa), each with its special tokens, exact to the id.
package struct EncoderTokenizer: Sendable {
  private enum Pieces: Sendable {
    case words(WordPieceTokenizer)
    case bytes(Tokenizer)
  }
  private let pieces: Pieces
  private let template: PairTemplate

  /// Reads tokenizer.json in a model folder, or vocab.txt where there is none; throws a sentence that names the file and
  /// what in it cannot be used.
  package init(folder: String) throws(TokenizerError) {
    let path = folder + "/tokenizer.json"
    let vocabulary = folder + "/vocab.txt"
    if unsafe access(path, F_OK) == 0 {
      do { (pieces, template) = try Self.read(path) } catch {
        throw TokenizerError(description: "\(path): \(error)")
      }
    } else if unsafe access(vocabulary, F_OK) == 0 {
      do {
        let file = try WordPieceFile(
          vocabulary: vocabulary, configuration: Self.configuration(folder))
        (pieces, template) = (.words(WordPieceTokenizer(file: file)), file.template)
      } catch { throw TokenizerError(description: "\(vocabulary): \(error)") }
    } else {
      throw TokenizerError(
        description: "\(folder) has neither tokenizer.json nor vocab.txt; download the tokenizer")
    }
  }

  private static func read(_ path: String) throws -> (Pieces, PairTemplate) {
    let bytes = try WholeFile.modelBytes(path, limit: 1 << 27)
    let (json, _) = try JSONParser.parse(
      bytes, leaving: [["model", "vocab"], ["model", "merges"]])
    guard json["model"]?.type == "WordPiece" else {
      return (
        .bytes(try Tokenizer(path: path, ignoresTemplate: true)),
        try PairTemplate(json["post_processor"] ?? .null)
      )
    }
    let file = try WordPieceFile(path: path)
    return (.words(WordPieceTokenizer(file: file)), file.template)
  }

  private static func configuration(_ folder: String) throws -> JSONValue {
    let path = folder + "/tokenizer_config.json"
    guard unsafe access(path, F_OK) == 0 else { return .object([:]) }
    return try JSONParser.parse(modelFile: path)
  }

  /// The sequence of a question and an option with everything around them, at most `maximumLength` tokens.
  package func pair(
    _ question: String, _ option: String, maximumLength: Int
  ) -> EncodedPair {
    template.joined(encode(question), encode(option), maximumLength: maximumLength)
  }

  /// The ids of a text with nothing around it.
  package func encode(_ text: String) -> [Int32] {
    switch pieces {
    case .words(let tokenizer): tokenizer.encode(text)
    case .bytes(let tokenizer): tokenizer.encode(text)
    }
  }

  /// Highest id + 1.
  package var vocabularySize: Int {
    let own =
      switch pieces {
      case .words(let tokenizer): tokenizer.vocabularySize
      case .bytes(let tokenizer): tokenizer.vocabularySize
      }
    return max(own, Int(template.largestId) + 1)
  }

  /// Throws a sentence with what to do where a sequence of at most `maximumLength` tokens may not fit a model.
  package func check(
    fits model: EncoderConfiguration, maximumLength: Int
  ) throws(TokenizerError) {
    guard vocabularySize <= model.vocabularySize else {
      throw TokenizerError(
        description:
          "the tokenizer has \(vocabularySize) tokens, the model \(model.vocabularySize);"
          + " use the tokenizer that belongs to the model")
    }
    guard model.typeCount == 0 || Int(template.largestType) < model.typeCount else {
      throw TokenizerError(
        description:
          "the tokenizer tells \(template.largestType + 1) kinds of segments apart, the model"
          + " \(model.typeCount); use the tokenizer that belongs to the model")
    }
    guard maximumLength > template.addedCount, maximumLength <= model.longestSequence else {
      throw TokenizerError(
        description: "sequences of \(maximumLength) tokens do not fit the model; max_length must be"
          + " from \(template.addedCount + 1) to \(model.longestSequence)")
    }
  }
}
