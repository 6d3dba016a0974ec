import Model
import Testing

struct JSONTests {
  @Test func `keys keep their order and values their types`() throws {
    let value = try JSONParser.parse(#"{"z": 1, "a": [2.5, -3e2, "x", null, true], "m": {}}"#)
    #expect(value.objectValue?.keys == ["z", "a", "m"])
    #expect(value["z"] == .integer(1))
    #expect(
      value["a"] == .array([.double(2.5), .double(-300), .string("x"), .null, .bool(true)]))
  }

  @Test func `escapes and surrogate pairs are decoded`() throws {
    #expect(
      try JSONParser.parse(#""a\n\u00e9\ud83c\udf5c\/""#) == .string("a\n\u{e9}\u{1F35C}/"))
  }

  @Test(arguments: [
    ("", "is empty"), ("[1,]", "expected a value"), ("{\"a\":1,\"a\":2}", "stands twice"),
    ("[1] 2", "more text after"), ("\"\\ud800\"", "unpaired surrogate"), ("[01]", "start with 0"),
    ("[1", "expected ','"), ("\"abc", "ends inside a string"), ("nul", "expected null"),
    ("{\"a\" 1}", "expected ':'"), ("\u{FEFF}{}", "byte order mark"), ("[1e999]", "out of range"),
    ("[\"\u{1}\"]", "control character"), ("{a:1}", "expected a key"), ("[.5]", "expected a value"),
  ])
  func `a malformed text is refused with its reason`(text: String, reason: String) {
    let error = #expect(throws: JSONError.self) { try JSONParser.parse(text) }
    #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func `an error tells line and column`() {
    let error = #expect(throws: JSONError.self) { try JSONParser.parse("[1,\n  x]") }
    #expect(error?.description == "line 2, column 3: expected a value")
  }

  @Test func `deep nesting is refused`() {
    #expect(throws: JSONError.self) {
      try JSONParser.parse(String(repeating: "[", count: 100_000))
    }
    let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(throws: Never.self) { try JSONParser.parse(deepest) }
  }

  @Test func `invalid UTF-8 is refused`() {
    #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
  }

  @Test func `a written value reads back as itself`() throws {
    let value: JSONValue = .object([
      "a": .array([.integer(1), .double(0.1), .double(1e-30), .null]), "q\"\\\n\u{1}": .bool(false),
      "empty": .object([:]), "none": .array([]),
    ])
    #expect(try JSONParser.parse(value.text()) == value)
    #expect(try JSONParser.parse(value.text(indent: 2)) == value)
    #expect(
      JSONValue.object(["a": .array([.integer(1)])]).text(indent: 2)
        == "{\n  \"a\": [\n    1\n  ]\n}")
  }
}
