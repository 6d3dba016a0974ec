import Foundation
import Model
import TestSupport
import Testing

/// Every folder under DISTTRAIN_TOKENIZERS (the fixtures, if it is not set): a tokenizer.json and, in encodings.json,
/// texts with the reference's ids and what they decode to (without that: to the text, composed).
struct TokenizerReferenceTests {
  static var root: String {
    ProcessInfo.processInfo.environment["DISTTRAIN_TOKENIZERS"] ?? GoldenCase.fixtures("tokenizers")
  }

  static func names(in folder: String) -> [String]? {
    (try? FileManager.default.contentsOfDirectory(atPath: folder))?.sorted()
  }

  static var folders: [String] {
    (names(in: root) ?? []).filter { names(in: "\(root)/\($0)") != nil }
  }

  @Test func `Tokenizer folder has cases`() {
    #expect(!Self.folders.isEmpty, "no tokenizer under \(Self.root)")
  }

  @Test(arguments: TokenizerReferenceTests.folders)
  func `Tokenizer gives every reference encoding and its text back`(folder: String) throws {
    let path = "\(Self.root)/\(folder)"
    let clock = ContinuousClock()
    let start = clock.now
    let tokenizer = try Tokenizer(path: path + "/tokenizer.json")
    let loading = clock.now - start
    let cases = try #require(GoldenCase.json(path + "/encodings.json").arrayValue)
    #expect(!cases.isEmpty, "\(path)/encodings.json has no cases")
    let composes = try GoldenCase.json(path + "/tokenizer.json")["normalizer"] != JSONValue.null
    var encoding = Duration.zero
    var size = 0
    for item in cases {
      let text = try #require(item["text"]?.stringValue)
      let expected = try #require(item["ids"]?.arrayValue).map { Int32($0.intValue ?? -1) }
      var ids: [Int32] = []
      encoding += clock.measure { ids = tokenizer.encode(text) }
      size += text.utf8.count
      let decoded =
        item["decoded"]?.stringValue
        ?? (composes ? text.precomposedStringWithCanonicalMapping : text)
      let decodes = tokenizer.decode(expected).utf8.elementsEqual(decoded.utf8)
      // Compared outside of the macro, which is slow over many thousand texts.
      if ids != expected || !decodes {
        Issue.record("\(folder): \(item.text()) gives \(ids), decodes: \(decodes)")
      }
    }
    print(
      "\(folder): \(tokenizer.vocabularySize) tokens loaded in \(loading);"
        + " \(cases.count) texts, \(size) bytes encoded in \(encoding)")
  }
}
