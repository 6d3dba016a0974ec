import Foundation
import Model
import TestSupport
import Testing

/// Every folder under DISTTRAIN_TOKENIZERS (the fixtures, if it is not set): a tokenizer.json and, in encodings.json,
/// texts with the reference's ids and what these decode to (without that: to the text, composed).
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

  /// Of this thread: what other work on the machine does not change.
  static func processorSeconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  @Test func `Tokenizer folder has cases`() {
    #expect(!Self.folders.isEmpty, "no tokenizer under \(Self.root)")
  }

  @Test(arguments: TokenizerReferenceTests.folders)
  func `Tokenizer gives every reference encoding and its text back`(folder: String) throws {
    let path = "\(Self.root)/\(folder)"
    let start = Self.processorSeconds()
    let tokenizer = try Tokenizer(path: path + "/tokenizer.json")
    let loading = Self.processorSeconds() - start
    let cases = try #require(GoldenCase.json(path + "/encodings.json").arrayValue)
    #expect(!cases.isEmpty, "\(path)/encodings.json has no cases")
    let composes = try GoldenCase.json(path + "/tokenizer.json")["normalizer"] != JSONValue.null
    var encoding = 0.0
    var size = 0
    for item in cases {
      let expected = try #require(item["ids"]?.arrayValue).map { Int32($0.intValue ?? -1) }
      // Ids at random come without a text.
      let text = item["text"]?.stringValue
      let start = Self.processorSeconds()
      let ids = text.map(tokenizer.encode) ?? expected
      encoding += Self.processorSeconds() - start
      size += text?.utf8.count ?? 0
      let composed = composes ? text?.precomposedStringWithCanonicalMapping : text
      let decoded = try #require(item["decoded"]?.stringValue ?? composed)
      let decodes = tokenizer.decode(expected).utf8.elementsEqual(decoded.utf8)
      // Compared outside of the macro, which is slow over many thousand texts.
      if ids != expected || !decodes {
        Issue.record("\(folder): \(item.text()) gives \(ids), decodes: \(decodes)")
      }
    }
    print(
      "\(folder): \(tokenizer.vocabularySize) tokens loaded in \(Int(loading * 1e3)) ms of processor"
        + " time; \(cases.count) cases, \(size) bytes encoded in \(Int(encoding * 1e3)) ms")
  }
}
