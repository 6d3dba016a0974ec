import Model
import TestSupport
import Testing

/// What the reference takes scalars for, in Tests/Fixtures/tokenizers/unicode.json: a toolchain with younger Unicode data
/// must not change any id.
struct TokenizerUnicodeTests {
  let data: JSONValue

  init() throws { data = try GoldenCase.json(GoldenCase.fixtures("tokenizers") + "/unicode.json") }

  static let scalars = (UInt32(0)..<0x110000).compactMap { Unicode.Scalar($0) }

  private static func ranges(_ value: JSONValue?) throws -> Set<UInt32> {
    var members: Set<UInt32> = []
    for range in try #require(value?.arrayValue) {
      let first = try #require(range.arrayValue?.first?.intValue)
      let last = try #require(range.arrayValue?.last?.intValue)
      members.formUnion(UInt32(first)...UInt32(last))
    }
    return members
  }

  private static func composed(_ text: String) -> [Unicode.Scalar] {
    Array(CanonicalComposition.composed(Array(text.unicodeScalars)[...]))
  }

  private static func isMember(_ scalar: Unicode.Scalar, of name: String) -> Bool {
    switch name {
    case "letters": ScalarClass(scalar) == .letter
    case "numbers": ScalarClass(scalar) == .number
    case "spaces": [.space, .newline].contains(ScalarClass(scalar))
    case "digits": ScalarClass.isNumeric(scalar)
    default: ScalarClass.isPartOfWord(scalar)
    }
  }

  @Test(arguments: ["letters", "numbers", "spaces", "digits", "words"])
  func `Tokenizer takes every scalar for what the reference does`(name: String) throws {
    let members = try Self.ranges(data[name])
    let different = Self.scalars.filter {
      Self.isMember($0, of: name) != members.contains($0.value)
    }
    #expect(different.isEmpty, "\(name): \(different.prefix(10))")
  }

  @Test func `Tokenizer composes every single scalar as the reference does`() throws {
    var expected: [Unicode.Scalar: [Unicode.Scalar]] = [:]
    for entry in try #require(data["composed"]?.arrayValue) {
      let texts = try #require(entry.arrayValue).compactMap(\.stringValue)
      let scalar = try #require(texts[0].unicodeScalars.first)
      expected[scalar] = Array(texts[1].unicodeScalars)
    }
    let different = Self.scalars.filter { Self.composed(String($0)) != expected[$0] ?? [$0] }
    #expect(different.isEmpty, "\(different.prefix(10))")
  }

  @Test func `Tokenizer composes every canonical pair as the reference does`() throws {
    let pairs = try #require(data["pairs"]?.arrayValue)
    #expect(pairs.count > 1000)
    for pair in pairs {
      let texts = try #require(pair.arrayValue).compactMap(\.stringValue)
      #expect(Self.composed(texts[0]) == Array(texts[1].unicodeScalars), "\(pair.text())")
    }
  }

  @Test func `Tokenizer orders every combining mark as the reference does`() throws {
    let ladder = try #require(data["ladder"]?.stringValue)
    let last = ladder.unicodeScalars.count
    var places: [UInt32: Int] = [:]
    for entry in try #require(data["marks"]?.arrayValue) {
      let place = try #require(entry.arrayValue?.first?.intValue)
      for scalar in try Self.ranges(entry.arrayValue?.last) { places[scalar] = place }
    }
    let marks = Self.scalars.filter {
      places[$0.value] != nil || $0.properties.canonicalCombiningClass != .notReordered
    }.filter { !ladder.unicodeScalars.contains($0) && Self.composed(String($0)) == [$0] }
    #expect(marks.count > 800)
    let different = marks.filter { mark in
      var text = "\u{378}" + ladder
      text.unicodeScalars.append(mark)
      return Self.composed(text).firstIndex(of: mark) != 1 + places[mark.value, default: last]
    }
    #expect(different.isEmpty, "\(different.prefix(10))")
  }
}
