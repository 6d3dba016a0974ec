/// Reading a large list element by element:
/// `if try parser.open("{") { repeat { ... } while try parser.hasNext("}") }`.
extension JSONParser {
  /// A parser of the value that starts at `position` of `bytes`.
  init(_ bytes: [UInt8], at position: Int) {
    self.init(bytes)
    self.position = position
  }

  /// Enters a list; false if it is empty.
  mutating func open(_ bracket: Unicode.Scalar) throws(JSONError) -> Bool {
    let open = UInt8(ascii: bracket)
    guard take(open) else { throw error("expected '\(bracket)'") }
    skipWhitespace()
    // In ASCII both closing brackets stand two places behind the opening ones.
    return !take(open + 2)
  }

  /// Steps behind the comma after an element; false, and the list is left, if there is none.
  mutating func hasNext(_ bracket: Unicode.Scalar) throws(JSONError) -> Bool {
    skipWhitespace()
    if take(UInt8(ascii: bracket)) { return false }
    guard take(UInt8(ascii: ",")) else { throw error("expected ',' or '\(bracket)'") }
    return true
  }

  /// Reads a key and the colon behind it.
  mutating func appendKey(to content: inout [UInt8]) throws(JSONError) {
    guard isAtString else { throw error("expected a key in double quotes") }
    try appendString(to: &content)
    skipWhitespace()
    guard take(UInt8(ascii: ":")) else { throw error("expected ':' after a key") }
  }

  var isAtString: Bool { peek() == UInt8(ascii: "\"") }

  /// Reads a value; nil if it is not a natural number below 10^9.
  mutating func natural() throws(JSONError) -> Int? {
    let start = position
    var number = 0
    while let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"),
      position < start + 9
    {
      number = number * 10 + Int(byte - UInt8(ascii: "0"))
      position += 1
    }
    switch peek() {
    case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x0A, 0x0D, 0x09:
      if position == start + 1 || number >= 10 && bytes[start] != UInt8(ascii: "0") {
        return number
      }
    default: break
    }
    // Anything unusual, as the grammar has it.
    position = start
    return try value(depth: 1).intValue.flatMap { (0..<1_000_000_000).contains($0) ? $0 : nil }
  }
}
