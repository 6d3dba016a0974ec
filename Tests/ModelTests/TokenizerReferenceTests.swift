import Foundation
import Model
import TestSupport
import Testing

struct TokenizerReferenceTests {
  static var root: String {
    ProcessInfo.processInfo.environment["DISTTRAIN_TOKENIZERS"] ?? GoldenCase.fixtures("tokenizers")
  }

  static var folders: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    return names.sorted().filter {
      FileManager.default.fileExists(atPath: "\(root)/\($0)/tokenizer.json")
    }
  }

  @Test func `Tokenizer folder has cases`() {
    #expect(!Self.folders.isEmpty, "no tokenizer under \(Self.root)")
  }

  @Test(arguments: TokenizerReferenceTests.folders)
  func `Tokenizer gives every reference encoding and its text back`(folder: String) throws {
    let path = "\(Self.root)/\(folder)"
    let start = ContinuousClock.now
    let tokenizer = try Tokenizer(path: path + "/tokenizer.json")
    print("\(folder): \(tokenizer.vocabularySize) tokens loaded in \(ContinuousClock.now - start)")
    let cases = try #require(GoldenCase.json(path + "/encodings.json").arrayValue)
    let composes = try GoldenCase.json(path + "/tokenizer.json")["normalizer"] != JSONValue.null
    #expect(!cases.isEmpty)
    for item in cases {
      let text = try #require(item["text"]?.stringValue)
      let ids = try #require(item["ids"]?.arrayValue).map { Int32($0.intValue ?? -1) }
      #expect(tokenizer.encode(text) == ids, "\(text)")
      let expected = composes ? text.precomposedStringWithCanonicalMapping : text
      #expect(Array(tokenizer.decode(ids).unicodeScalars) == Array(expected.unicodeScalars))
    }
  }
}
