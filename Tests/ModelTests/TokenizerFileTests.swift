import Foundation
import Model
import Testing

struct TokenizerFileTests {
  static let file = #"""
    {"added_tokens": [{"id": 3, "content": "<x>"}], "normalizer": null,
     "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
     "post_processor": null, "decoder": {"type": "ByteLevel"},
     "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}}
    """#

  private static func tokenizer(_ text: String) throws -> Tokenizer {
    let path = FileManager.default.temporaryDirectory.path + "/tokenizer-\(UUID()).json"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try Tokenizer(path: path)
  }

  /// The file with one part replaced.
  private static func tokenizer(_ part: String, _ replacement: String) throws -> Tokenizer {
    guard file.contains(part) else { throw CocoaError(.formatting) }
    return try tokenizer(file.replacingOccurrences(of: part, with: replacement))
  }

  static let faults: [(part: String, replacement: String, message: String)] = [
    // The file as a whole.
    (file, "", "is empty"),
    (file, "[]", "its outermost value is an array, not an object"),
    (file, "{\"model\": 3}", "its model is a number, not an object"),
    (file, "{}", "\"model\" of its outermost value is missing, not an object"),
    (file, String(repeating: "[", count: 100_000), "nested deeper than 64 levels"),
    ("}}", "}", "expected ',' or '}'"), ("}}", "}} x", "more text after the end"),
    ("[[\"a\", \"b\"]]}}", "[[\"a\", \"b", "the text ends inside a list"),
    // Tokens.
    (#"{"a": 0, "b": 1, "ab": 2}"#, "{}", "its model.vocab is empty"),
    (#"{"a": 0, "b": 1, "ab": 2}"#, "[]", "\"vocab\" of its model is"),
    (#""vocab": {"a": 0, "b": 1, "ab": 2}, "#, "", "\"vocab\" of its model is missing"),
    (#"{"a": 0, "b": 1, "ab": 2}"#, "7", "\"vocab\" of its model is a number, not an object"),
    ("\"b\": 1", "\"b\": 0", "its tokens \"a\" and \"b\" have the same id 0"),
    ("\"b\": 1", "\"b\": -1", "the id of its token \"b\" is not a whole number in 0..<4194304"),
    ("\"b\": 1", "\"b\": 4194304", "the id of its token \"b\" is not a whole number"),
    ("\"b\": 1", "\"b\": 99999999999999999999", "the id of its token \"b\" is not a whole number"),
    ("\"b\": 1", "\"b\": 1.5", "the id of its token \"b\" is not a whole number"),
    ("\"b\": 1", "\"b\": \"1\"", "the id of its token \"b\" is not a whole number"),
    ("\"b\": 1", "\"b\": 01", "a number cannot start with 0"),
    ("\"b\": 1", "\"b\": 1x", "expected ',' or '}'"),
    ("\"b\": 1", "\"b\" 1", "line 4, column 49: expected ':' after a key"),
    ("\"b\": 1", "\"b\": 1, ", "expected a key in double quotes"),
    ("\"b\": 1", "\"b\": [1}", "expected ',' or ']'"),
    ("\"b\": 1", "\"\": 1", "its model.vocab has an empty token"),
    ("\"b\": 1", "\"a\": 1", "its token \"a\" stands twice in model.vocab"),
    ("\"b\": 1", "\"\\ud800\": 1", "an unpaired surrogate"),
    ("\"vocab\"", "\"vocab\": {\"a\": 0}, \"vocab\"", "the key \"vocab\" stands twice"),
    (
      #"{"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]"#, #"{"aa": 0}, "merges": []"#,
      "no token of its model.vocab stands for a byte"
    ),
    // Merges.
    (#", "merges": [["a", "b"]]"#, "", "\"merges\" of its model is missing"),
    (#"[["a", "b"]]"#, "{}", "\"merges\" of its model is"),
    (#"["a", "b"]"#, #"["a", "c"]"#, #"its merge 0, "a" + "c", needs the token "ac""#),
    (#"["a", "b"]"#, #"["a", "b"], "b a""#, #"its merge 1, "b" + "a", needs the token "ba""#),
    (#"["a", "b"]"#, #"["ab", ""]"#, #"its merge 0, "ab" + "", needs the token """#),
    (#"["a", "b"]"#, #"["a"]"#, "its merge 0 is not a pair of tokens"),
    (#"["a", "b"]"#, #"["a", "b", "c"]"#, "its merge 0 is not a pair of tokens"),
    (#"["a", "b"]"#, #"["a", 2]"#, "its merge 0 is not a pair of tokens"),
    (#"["a", "b"]"#, "[]", "its merge 0 is not a pair of tokens"),
    (#"["a", "b"]"#, "\"a b c\"", "its merge 0 is not a pair of tokens"),
    (#"["a", "b"]"#, "\"ab\"", "its merge 0 is not a pair of tokens"),
    (#"["a", "b"]"#, "3", "its merge 0 is not a pair of tokens"),
    // Added tokens.
    (
      "[{\"id\": 3, \"content\": \"<x>\"}]", "{}",
      "\"added_tokens\" of its outermost value is an object"
    ),
    ("{\"id\": 3, \"content\": \"<x>\"}", "3", "an element of its added_tokens is a number"),
    ("\"<x>\"", "\"\"", "\"content\" of an element of its added_tokens is empty"),
    ("\"<x>\"", "8", "\"content\" of an element of its added_tokens is a number"),
    ("\"id\": 3, ", "", "the id of its added token \"<x>\" is not a whole number"),
    ("\"id\": 3", "\"id\": -3", "the id of its added token \"<x>\" is not a whole number"),
    ("\"id\": 3", "\"id\": 5000000000", "the id of its added token \"<x>\" is not a whole number"),
    ("\"id\": 3", "\"id\": 1", "its added token \"<x>\" has the id 1 of the token \"b\""),
    ("\"<x>\"", "\"ab\"", "its added token \"ab\" has the id 3, but 2 in model.vocab"),
    (
      "\"<x>\"}", "\"<x>\"}, {\"id\": 4, \"content\": \"<x>\"}",
      "its added token \"<x>\" stands twice"
    ),
    (
      "\"<x>\"}", "\"<x>\"}, {\"id\": 3, \"content\": \"<y>\"}", "has the id 3 of the token \"<x>\""
    ),
    (
      "\"<x>\"", "\"<x>\", \"lstrip\": 1",
      "\"lstrip\" of an element of its added_tokens is a number"
    ),
    // What is not computed.
    ("\"BPE\"", "\"WordPiece\"", "its model.type is \"WordPiece\"; supported: BPE"),
    ("\"BPE\"", "5", "its model.type is 5; supported: BPE"),
    ("\"BPE\"", "\"BPE\", \"dropout\": 0.1", "its model.dropout is not null"),
    ("\"BPE\"", "\"BPE\", \"byte_fallback\": true", "its model.byte_fallback is true"),
    ("\"BPE\"", "\"BPE\", \"ignore_merges\": 1", "\"ignore_merges\" of its model is a number"),
    ("\"BPE\"", "\"BPE\", \"end_of_word_suffix\": \"</w>\"", "its model.end_of_word_suffix is"),
    ("\"BPE\"", "\"BPE\", \"unk_token\": \"?\"", "its model.unk_token \"?\" is not in model.vocab"),
    ("\"BPE\"", "\"BPE\", \"unk_token\": 1", "\"unk_token\" of its model is a number"),
    ("\"normalizer\": null", "\"normalizer\": {\"type\": \"NFKC\"}", "supported: NFC"),
    ("\"normalizer\": null", "\"normalizer\": \"NFC\"", "supported: NFC"),
    (
      "\"normalizer\": null", #""normalizer": {"type": "Sequence", "normalizers": 1}"#,
      "\"normalizers\" of its normalizer is a number"
    ),
    (
      #"{"type": "ByteLevel", "add_prefix_space": false}"#, "null",
      "its pre_tokenizer is null; supported: ByteLevel"
    ),
    (
      #"{"type": "ByteLevel", "add_prefix_space": false}"#, #"{"type": "Whitespace"}"#,
      "its pre_tokenizer is"
    ),
    (
      #"{"type": "ByteLevel", "add_prefix_space": false}"#,
      #"{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]}"#,
      "its pre_tokenizer is"
    ),
    (
      #"{"type": "ByteLevel", "add_prefix_space": false}"#,
      #"{"type": "Sequence", "pretokenizers": [{"type": "#
        + #""Split", "pattern": {"Regex": "x"}, "behavior": "Isolated"}, {"type": "ByteLevel"}]}"#,
      "its pre_tokenizer is {\"type\": \"Split\""
    ),
    (
      #"{"type": "ByteLevel", "add_prefix_space": false}"#,
      #"{"type": "Sequence", "pretokenizers": ["#
        + String(repeating: #"{"type": "Digits"}, "#, count: 100_000)
        + #"{"type": "ByteLevel"}]}"#, "its pre_tokenizer has 100001 stages; at most 64"
    ),
    (
      "\"add_prefix_space\": false", "\"add_prefix_space\": 0",
      "\"add_prefix_space\" of its pre_tokenizer is a number"
    ),
    (
      "\"post_processor\": null", "\"post_processor\": {\"type\": \"RobertaProcessing\"}",
      "its post_processor is"
    ),
    (
      "\"post_processor\": null",
      #""post_processor": {"type": "TemplateProcessing", "single": "#
        + #"[{"SpecialToken": {"id": "<x>"}}, {"Sequence": {"id": "A"}}]}"#, "its post_processor is"
    ),
    (#""decoder": {"type": "ByteLevel"}"#, #""decoder": {"type": "WordPiece"}"#, "its decoder is"),
  ]

  @Test(arguments: TokenizerFileTests.faults)
  func `Tokenizer refuses a file that it cannot use and says why`(
    part: String, replacement: String, message: String
  ) {
    let error = #expect(throws: TokenizerError.self) { try Self.tokenizer(part, replacement) }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }

  @Test func `Tokenizer error names the file`() {
    let error = #expect(throws: TokenizerError.self) { try Tokenizer(path: "/nowhere/t.json") }
    #expect(error?.description.contains("/nowhere/t.json") == true)
  }

  @Test(arguments: [
    ("\"normalizer\"", "\"version\": \"1.0\", \"truncation\": {\"max_length\": 1}, \"normalizer\""),
    (
      "\"BPE\"",
      "\"BPE\", \"dropout\": 0.0, \"unk_token\": \"a\", \"continuing_subword_prefix\": \"\""
    ),
    ("\"type\": \"BPE\", ", ""), (#"["a", "b"]"#, "\"#version: 0.2\", \"a b\""),
    ("\"a\": 0, \"b\": 1", "\"\\u0061\" : 0 , \"b\"\n:\t1 "),
    (
      "\"post_processor\": null",
      #""post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel"}, "#
        + #"{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}]}]}"#
    ),
    ("\"decoder\": {\"type\": \"ByteLevel\"}", "\"decoder\": null"),
  ])
  func `Tokenizer reads what other writers make of the same file`(part: String, replacement: String)
    throws
  {
    let tokenizer = try Self.tokenizer(part, replacement)
    #expect(tokenizer.encode("ab<x>ba") == [2, 3, 1, 0])
    #expect(tokenizer.decode([2, 3, 1, 0]) == "ab<x>ba")
  }

  @Test func `Tokenizer leaves out bytes that no token stands for`() throws {
    let tokenizer = try Self.tokenizer(Self.file)
    #expect(tokenizer.encode("a-b") == [0, 1])
  }

  @Test func `Tokenizer takes the last rank of a merge that stands twice`() throws {
    let tokenizer = try Self.tokenizer(
      #""ab": 2}, "merges": [["a", "b"]]"#,
      #""ab": 2, "ba": 4}, "merges": [["a", "b"], ["b", "a"], ["a", "b"]]"#)
    #expect(tokenizer.encode("aba") == [0, 4])
  }

  @Test func `Tokenizer tells ids by written form and text of ids`() throws {
    let tokenizer = try Self.tokenizer("\"<x>\"", "\"<\u{e9}>\"")
    #expect(tokenizer.vocabularySize == 4)
    #expect(tokenizer.id(of: "ab") == 2)
    #expect(tokenizer.id(of: "<\u{e9}>") == 3)
    #expect(tokenizer.id(of: "<e\u{301}>") == nil)
    #expect(tokenizer.id(of: "c") == nil)
    #expect(tokenizer.decode([2, -1, 3, 4, .max, 0]) == "ab<\u{e9}>a")
  }
}
