import Foundation
import Model
import TestSupport
import Testing

/// Every folder under DISTTRAIN_ENCODER_TOKENIZERS (the fixtures, if it is not set): a tokenizer and, in encodings.json,
/// [first, second, maximum length, ids, types] as the reference encodes the pair.
struct EncoderTokenizerTests {
  private static var root: String {
    ProcessInfo.processInfo.environment["DISTTRAIN_ENCODER_TOKENIZERS"]
      ?? GoldenCase.fixtures("encoder-tokenizers")
  }
  static var folders: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).sorted()
  }

  @Test func `EncoderTokenizer folder has cases`() {
    #expect(!Self.folders.isEmpty, "no tokenizer under \(Self.root)")
  }

  @Test(arguments: EncoderTokenizerTests.folders)
  func `EncoderTokenizer encodes every pair as the reference`(name: String) throws {
    let folder = "\(Self.root)/\(name)"
    let tokenizer = try EncoderTokenizer(folder: folder)
    let cases = try #require(GoldenCase.json(folder + "/encodings.json").arrayValue)
    #expect(!cases.isEmpty)
    var wrong = 0
    for item in cases {
      let parts = try #require(item.arrayValue)
      let numbers = { (index: Int) in
        try #require(parts[index].arrayValue).map { Int32($0.intValue ?? -1) }
      }
      let expected = EncodedPair(tokens: try numbers(3), types: try numbers(4))
      let pair = tokenizer.pair(
        try #require(parts[0].stringValue), try #require(parts[1].stringValue),
        maximumLength: try #require(parts[2].intValue))
      // Compared outside of the macro, which is slow over many thousand texts.
      if pair != expected {
        wrong += 1
        if wrong <= 3 { Issue.record("\(name): \(item.text().prefix(900)) gives \(pair)") }
      }
    }
    #expect(wrong == 0, "\(name): \(wrong) of \(cases.count) pairs differ")
  }

  private static let vocabulary = #"{"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3}"#

  private func refusal(_ changes: [String: String]) throws -> String? {
    var parts = [
      "model": #"{"type": "WordPiece", "unk_token": "[UNK]", "vocab": \#(Self.vocabulary)}"#,
      "normalizer": #"{"type": "BertNormalizer"}"#,
      "pre_tokenizer": #"{"type": "BertPreTokenizer"}"#,
      "post_processor": #"{"type": "BertProcessing", "cls": ["[CLS]", 1], "sep": ["[SEP]", 2]}"#,
    ]
    parts.merge(changes) { $1 }
    let folder = try TemporaryFolder()
    try folder.write(
      "{" + parts.map { "\"\($0)\": \($1)" }.joined(separator: ",") + "}", to: "tokenizer.json")
    do throws(TokenizerError) {
      _ = try EncoderTokenizer(folder: folder.path)
      return nil
    } catch { return error.description }
  }

  @Test func `EncoderTokenizer refuses what it does not compute, by the name of the part`() throws {
    #expect(try refusal([:]) == nil)
    for (part, value) in [
      ("normalizer", #"{"type": "NFKC"}"#), ("pre_tokenizer", #"{"type": "Whitespace"}"#),
      ("post_processor", "null"), ("post_processor", #"{"type": "TemplateProcessing"}"#),
      ("post_processor", #"{"type": "BertProcessing", "cls": 1, "sep": 2}"#),
    ] {
      let reason = try #require(try refusal([part: value]), "\(value)")
      #expect(reason.contains(part) && reason.contains("tokenizer.json"), "\(reason)")
    }
    let reason = try refusal([
      "model": #"{"type": "WordPiece", "unk_token": "?", "vocab": \#(Self.vocabulary)}"#
    ])
    #expect(reason?.contains("unk_token") == true)
  }

  @Test func `EncoderTokenizer names what a folder lacks`() throws {
    let folder = try TemporaryFolder()
    #expect(throws: TokenizerError.self) { _ = try EncoderTokenizer(folder: folder.path) }
    try folder.write("a\nb\n", to: "vocab.txt")
    let error = #expect(throws: TokenizerError.self) {
      _ = try EncoderTokenizer(folder: folder.path)
    }
    #expect(error?.description.contains("[CLS]") == true)
  }

  @Test func `EncoderTokenizer tells which models its sequences do not fit`() throws {
    let folder = GoldenCase.fixtures("encoder-tokenizers")
    let words = try EncoderTokenizer(folder: folder + "/wordpiece-uncased")
    func reason(_ tokenizer: EncoderTokenizer, _ model: TinyEncoder, _ length: Int) -> String? {
      do throws(TokenizerError) {
        try tokenizer.check(fits: model.configuration, maximumLength: length)
        return nil
      } catch { return error.description }
    }
    let bert = try TinyEncoder("bert", vocabulary: words.vocabularySize)
    for length in [4, 90] { #expect(reason(words, bert, length) == nil) }
    for length in [3, 91] { #expect(reason(words, bert, length)?.contains("max_length") == true) }
    let small = try TinyEncoder("bert", vocabulary: words.vocabularySize - 1)
    #expect(reason(words, small, 20)?.contains("tokens") == true)
    let roberta = try TinyEncoder("roberta", vocabulary: words.vocabularySize)
    #expect(reason(words, roberta, 20)?.contains("segments") == true)
    let distilled = try TinyEncoder("distilbert", vocabulary: words.vocabularySize)
    #expect(reason(words, distilled, 20) == nil)
    let bytes = try EncoderTokenizer(folder: folder + "/roberta")
    let large = try TinyEncoder("roberta", vocabulary: bytes.vocabularySize)
    #expect(reason(bytes, large, 88) == nil)
    #expect(reason(bytes, large, 89)?.contains("88") == true)
  }
}
