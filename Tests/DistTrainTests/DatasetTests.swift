import DistTrain
import Foundation
import Model
import TestSupport
import Testing

/// One question as JSON text, each part replaceable.
private func question(
  query: String = #""What is warm?""#, types: String = #"{"Specific": 1, "Negated": 0}"#,
  options: String = #"{"a": "soup", "b": "ice", "c": "salad"}"#, answer: String = #""a""#,
  more: String = #", "correctness_explanation": {"warm": "soup"}"#
) -> String {
  #"{"query": \#(query), "query_type": \#(types), "options": \#(options), "answer": \#(answer)\#(more)}"#
}

private func dataset(_ text: String) throws(DatasetError) -> Dataset {
  try Dataset(bytes: Array(text.utf8), name: "q.json")
}

private func refusal(_ bytes: [UInt8]) -> String {
  let error = #expect(throws: DatasetError.self) { try Dataset(bytes: bytes, name: "q.json") }
  #expect(error?.exitCode == 65)
  #expect(error?.description.contains("q.json") == true)
  return error?.description ?? ""
}

private func options(_ count: Int) -> String {
  "{" + (0..<count).map { "\"k\($0)\": \"dish \($0)\"" }.joined(separator: ", ") + "}"
}

struct DatasetFileTests {
  /// Files that are wrong as a whole, with what the message must say.
  private static let faults: [(name: String, bytes: [UInt8], reason: String)] = [
    ("not UTF-8", Array("[\"".utf8) + [0xFF, 0xFE] + Array("\"]".utf8), "not valid UTF-8"),
    ("byte order mark", [0xEF, 0xBB, 0xBF] + Array("[]".utf8), "byte order mark; save the file"),
    ("UTF-16", [0xFF, 0xFE, 0x5B, 0x00], "not valid UTF-8"),
    ("empty file", [], "is empty"),
    ("white space alone", Array(" \n\n".utf8), "is empty"),
    ("a NUL byte", Array("[\"a\0b\"]".utf8), "control character"),
    ("unpaired surrogate", Array(#"["\ud83c"]"#.utf8), "unpaired surrogate"),
    ("trailing garbage", Array("[\(question())] x".utf8), "more text after the end"),
    ("two arrays", Array("[\(question())]\n[\(question())]".utf8), "more text after the end"),
    ("truncated", Array("[\(question())".utf8), "expected ',' or ']'"),
    ("truncated in a text", Array("[\(question())".utf8.dropLast(5)), "truncated?"),
    ("trailing comma", Array("[\(question()),]".utf8), "expected a value"),
    ("an object", Array(question().utf8), "is an object; expected an array of questions"),
    ("a text", Array("\"hello\"".utf8), "is a string; expected an array of questions"),
    (
      "JSON lines", Array("\(question())\n\(question())\n".utf8),
      "one JSON object per line; expected one JSON array: jq -s . questions.jsonl"
    ),
    ("JSON lines, CRLF", Array("\n\(question())\r\n\(question())".utf8), "object per line"),
    ("no questions", Array("[]".utf8), "is an empty array"),
    (
      "deep nesting", Array((String(repeating: "[", count: 100_000)).utf8),
      "nested deeper than 64 levels"
    ),
    (
      "duplicate key", Array(#"[{"query": "a", "query": "b"}]"#.utf8),
      "line 1, column 17: the key \"query\" stands twice"
    ),
    (
      "option key twice", Array("[\(question(options: #"{"a": "x", "a": "y"}"#))]".utf8),
      "the key \"a\" stands twice"
    ),
  ]

  @Test(arguments: faults.map(\.name))
  func `a malformed file is refused with its reason`(name: String) throws {
    let fault = try #require(Self.faults.first { $0.name == name })
    let message = refusal(fault.bytes)
    #expect(message.contains(fault.reason), "\(message)")
    #expect(!message.contains("\n"), "\(message)")
  }

  @Test func `line ends of both kinds and the order of keys are kept`() throws {
    let lines =
      "[\n\(question(options: #"{"z": "one", "a": "two", "m": "three"}"#, answer: #""m""#))\n]\n"
    for text in [lines, lines.replacing("\n", with: "\r\n")] {
      let read = try dataset(text)
      #expect(read.questions.count == 1)
      #expect(read.questions[0].options.map(\.identifier) == ["z", "a", "m"])
      #expect(read.questions[0].answerIndex == 2)
      #expect(read.questions[0].types == ["Specific"])
      #expect(read.typeNames == ["Specific", "Negated"])
    }
  }

  @Test func `escapes in a text become its characters`() throws {
    let read = try dataset("[\(question(query: #""\u00e9\ud83c\udf5c \"hot\"\n""#))]")
    #expect(read.questions[0].query == "\u{e9}\u{1F35C} \"hot\"\n")
  }

  @Test func `a missing file and a folder are told apart`() throws {
    let folder = try TemporaryFolder()
    for (path, reason) in [
      (folder.path + "/none.json", "does not exist"), (folder.path, "is a folder"),
    ] {
      let error = #expect(throws: DatasetError.self) { try Dataset(path: path) }
      #expect(error?.exitCode == 66)
      #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
      #expect(error?.description.contains("dataset_path") == true)
    }
  }
}

struct DatasetQuestionTests {
  /// Elements that are wrong, with what the message must say about the second question of the file.
  private static let faults: [(name: String, item: String, reason: String)] = [
    ("a number", "7", "is a number, not an object"),
    ("null", "null", "is null, not an object"),
    ("a list", "[]", "is an array, not an object"),
    ("unknown key", question(more: #", "qeury": 1"#), "unknown key \"qeury\"; known are query,"),
    ("no query", question().replacing("\"query\"", with: "\"answer_\""), "query is missing"),
    (
      "no types", #"{"query":"q","options":{"a":"x","b":"y"},"answer":"a"}"#,
      "query_type is missing"
    ),
    ("no options", #"{"query":"q","query_type":{},"answer":"a"}"#, "options is missing"),
    (
      "no answer", #"{"query":"q","query_type":{},"options":{"a":"x","b":"y"}}"#,
      "answer is missing"
    ),
    ("query a number", question(query: "5"), "query is a number, not a string"),
    ("query null", question(query: "null"), "query is null, not a string"),
    ("query empty", question(query: "\"\""), "query is empty"),
    ("query white", question(query: #"" \t\n\u00a0""#), "query is empty"),
    ("query NUL", question(query: #""a\u0000b""#), "query contains a NUL character"),
    (
      "query of 1 MB", question(query: "\"\(String(repeating: "a", count: 1_000_001))\""),
      "query has 1000001 bytes; 1000000 are the most"
    ),
    ("types a list", question(types: "[1]"), "query_type is an array, not an object"),
    ("flag 2", question(types: #"{"Specific": 2}"#), "query_type \"Specific\" is neither 0 nor 1"),
    ("flag true", question(types: #"{"Specific": true}"#), "is neither 0 nor 1"),
    ("flag text", question(types: #"{"Specific": "1"}"#), "is neither 0 nor 1"),
    ("flag 0.5", question(types: #"{"Specific": 0.5}"#), "is neither 0 nor 1"),
    ("options a list", question(options: #"["x", "y"]"#), "options is an array, not an object"),
    ("no option", question(options: "{}"), "has 0 options; 2 to 26 are possible"),
    ("one option", question(options: options(1), answer: "\"k0\""), "has 1 option; 2 to 26"),
    ("27 options", question(options: options(27), answer: "\"k0\""), "has 27 options; 2 to 26"),
    ("option a number", question(options: #"{"a": 1, "b": "y"}"#), "option \"a\" is a number"),
    ("option empty", question(options: #"{"a": "x", "b": " "}"#), "option \"b\" is empty"),
    (
      "equal options", question(options: #"{"a": "x", "b": "x"}"#),
      "two options have the text \"x\""
    ),
    (
      "equal but spaces", question(options: #"{"a": "x", "b": " x "}"#), "two options have the text"
    ),
    ("answer a number", question(answer: "0"), "answer is a number, not a string"),
    (
      "answer a text of an option", question(answer: "\"soup\""),
      "\"soup\" is none of the options' keys"
    ),
    (
      "explanation a text", question(more: #", "correctness_explanation": "x""#),
      "correctness_explanation is a string, not an object"
    ),
    (
      "explanation of numbers", question(more: #", "correctness_explanation": {"a": [1]}"#),
      "correctness_explanation \"a\" is an array, not a string or a list of strings"
    ),
  ]

  @Test(arguments: faults.map(\.name))
  func `a bad question is refused with its index and reason`(name: String) throws {
    let fault = try #require(Self.faults.first { $0.name == name })
    let good = question(query: "\"another\"")
    let message = refusal(Array("[\(good), \(fault.item), \(question(query: "\"last\""))]".utf8))
    #expect(message.contains("  question 1: "), "\(message.prefix(500))")
    #expect(message.contains(fault.reason), "\(message.prefix(500))")
    #expect(!message.contains("question 0") && !message.contains("question 2"))
    #expect(message.utf8.count < 1000, "a message must stay readable")
  }

  @Test func `a repeated question is refused whatever its spaces and option order`() {
    let again = question(
      query: #""  What is warm? ""#, options: #"{"x": "ice", "y": "salad", "z": "soup "}"#,
      answer: "\"z\"")
    let message = refusal(Array("[\(question()), \(question(query: "\"b\"")), \(again)]".utf8))
    #expect(
      message.contains("question 2: repeats question 0: one copy could be trained on"), "\(message)"
    )
  }

  @Test func `the same query with other options is another question`() throws {
    let other = question(options: #"{"a": "tea", "b": "ice"}"#)
    #expect(try dataset("[\(question()), \(other)]").questions.count == 2)
  }

  @Test(arguments: [1, 20, 21, 57])
  func `twenty faults are listed and the others counted`(count: Int) {
    let bad = (0..<count).map { _ in "null" }.joined(separator: ", ")
    let message = refusal(Array("[\(question()), \(bad)]".utf8))
    let lines = message.split(separator: "\n")
    #expect(lines[0].contains("has \(count) fault\(count == 1 ? " " : "s ")"), "\(message)")
    #expect(lines.count == 1 + min(count, 20) + (count > 20 ? 1 : 0))
    #expect(lines.contains("  and \(count - 20) more") == (count > 20))
    #expect(lines[1] == "  question 1: is null, not an object")
  }

  @Test func `limits themselves are accepted`() throws {
    let longest = "\"\(String(repeating: "a", count: 1_000_000))\""
    let read = try dataset(
      "[\(question(query: longest, options: options(26), answer: "\"k25\"")),"
        + "\(question(types: "{}", options: options(2), answer: "\"k1\"", more: ""))]")
    #expect(read.questions.map(\.options.count) == [26, 2])
    #expect(read.questions.map(\.answerIndex) == [25, 1])
    #expect(read.questions[1].types.isEmpty && read.questions[1].explanation == .null)
  }
}
