/// Where and why a text is not acceptable JSON.
package struct JSONError: Error, Equatable, CustomStringConvertible {
  /// Counted from 1; columns count bytes.
  package let line: Int, column: Int
  package let reason: String

  package var description: String { "line \(line), column \(column): \(reason)" }
}

/// Reads one JSON text (RFC 8259) strictly: valid UTF-8, no byte order mark, no duplicate key, nothing after the value,
/// nesting of at most 64.
package struct JSONParser {
  private static let maximumDepth = 64
  let bytes: [UInt8]
  var position = 0
  /// Paths of the values to leave unread, the path of the member being read, and what was left so far.
  private var unread: Set<[String]> = []
  private var path: [String] = []
  private var left: [[String]: Int] = [:]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  package static func parse(_ text: String) throws(JSONError) -> JSONValue {
    try parse(Array(text.utf8))
  }

  package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
    try parse(bytes, leaving: []).value
  }

  /// Reads a text but for the lists at `paths` (keys from the outermost object on).
  ///
  /// They come as null, and where each one starts comes besides: a large list is read from there without a tree.
  static func parse(_ bytes: [UInt8], leaving paths: Set<[String]>) throws(JSONError)
    -> (value: JSONValue, left: [[String]: Int])
  {
    var parser = JSONParser(bytes)
    parser.unread = paths
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
      throw parser.error("starts with a byte order mark; save the file as plain UTF-8")
    }
    guard String(validating: bytes, as: UTF8.self) != nil
    else { throw parser.error("is not valid UTF-8") }
    parser.skipWhitespace()
    if parser.position == bytes.count { throw parser.error("is empty") }
    let value = try parser.value(depth: 0)
    parser.skipWhitespace()
    if parser.position < bytes.count { throw parser.error("more text after the end of the value") }
    return (value, parser.left)
  }

  // MARK: Values

  mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    switch peek() {
    case UInt8(ascii: "{"): return try .object(object(depth: depth + 1))
    case UInt8(ascii: "["): return try .array(array(depth: depth + 1))
    case UInt8(ascii: "\""): return try .string(string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case nil: throw error("the text ends where a value is expected; is the file truncated?")
    default: return try number()
    }
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
    try enter(depth)
    var object = JSONObject()
    if take(UInt8(ascii: "}")) { return object }
    while true {
      guard peek() == UInt8(ascii: "\"") else { throw error("expected a key in double quotes") }
      let start = position
      let key = try string()
      skipWhitespace()
      guard take(UInt8(ascii: ":")) else { throw error("expected ':' after the key \"\(key)\"") }
      guard object.append(key, try member(key, depth: depth)) else {
        position = start
        throw error("the key \"\(key)\" stands twice in one object")
      }
      skipWhitespace()
      if take(UInt8(ascii: "}")) { return object }
      guard take(UInt8(ascii: ",")) else { throw error("expected ',' or '}' in an object") }
    }
  }

  private mutating func member(_ key: String, depth: Int) throws(JSONError) -> JSONValue {
    if unread.isEmpty { return try value(depth: depth) }
    if path.count >= depth { path.removeLast(path.count - depth + 1) }
    path.append(key)
    guard path.count == depth, unread.contains(path),
      peek() == UInt8(ascii: "{") || peek() == UInt8(ascii: "[")
    else { return try value(depth: depth) }
    left[path] = position
    try skipList()
    return .null
  }

  /// Steps over a list; whoever reads it later checks what is in it.
  private mutating func skipList() throws(JSONError) {
    var depth = 0
    repeat {
      guard let byte = peek() else {
        throw error("the text ends inside a list; is the file truncated?")
      }
      position += 1
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: "\""):
        while let byte = peek(), byte != UInt8(ascii: "\"") {
          position += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        position += 1
      default: break
      }
    } while depth > 0
  }

  private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
    try enter(depth)
    var array: [JSONValue] = []
    if take(UInt8(ascii: "]")) { return array }
    while true {
      array.append(try value(depth: depth))
      skipWhitespace()
      if take(UInt8(ascii: "]")) { return array }
      guard take(UInt8(ascii: ",")) else { throw error("expected ',' or ']' in an array") }
    }
  }

  private mutating func enter(_ depth: Int) throws(JSONError) {
    if depth > Self.maximumDepth { throw error("nested deeper than \(Self.maximumDepth) levels") }
    position += 1
    skipWhitespace()
  }

  private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONError)
    -> JSONValue
  {
    for byte in word.description.utf8 {
      guard peek() == byte else { throw error("expected \(word)") }
      position += 1
    }
    return value
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let start = position
    _ = peek() == UInt8(ascii: "-") ? position += 1 : ()
    let firstDigit = position
    guard skipDigits() > 0 else {
      position = start
      throw error("expected a value")
    }
    if bytes[firstDigit] == UInt8(ascii: "0") && position > firstDigit + 1 {
      throw error("a number cannot start with 0")
    }
    var isInteger = true
    if peek() == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      guard skipDigits() > 0 else { throw error("expected digits after the decimal point") }
    }
    if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
      isInteger = false
      position += 1
      if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
      guard skipDigits() > 0 else { throw error("expected digits in the exponent") }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let integer = Int(text) { return .integer(integer) }
    guard let double = Double(text), double.isFinite else {
      throw error("the number \(text) is out of range")
    }
    return .double(double)
  }

  // MARK: Strings

  private mutating func string() throws(JSONError) -> String {
    var content: [UInt8] = []
    try appendString(to: &content)
    return String(decoding: content, as: UTF8.self)
  }

  /// Reads the string whose opening quote is next.
  mutating func appendString(to content: inout [UInt8]) throws(JSONError) {
    position += 1
    var start = position
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "\""):
        content += bytes[start..<position]
        position += 1
        return
      case UInt8(ascii: "\\"):
        content += bytes[start..<position]
        position += 1
        try appendEscape(to: &content)
        start = position
      case 0..<0x20: throw error("a control character in a string must be escaped")
      default: position += 1
      }
    }
    throw error("the text ends inside a string; is the file truncated?")
  }

  private mutating func appendEscape(to content: inout [UInt8]) throws(JSONError) {
    guard let escape = peek() else { throw error("the text ends inside an escape") }
    position += 1
    switch escape {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(escape)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0C)
    case UInt8(ascii: "n"): content.append(0x0A)
    case UInt8(ascii: "r"): content.append(0x0D)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "u"): content.append(contentsOf: String(try escapedScalar()).utf8)
    default: throw error("unknown escape '\\\(Character(Unicode.Scalar(escape)))'")
    }
  }

  private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
    let high = try hexadecimal()
    if let scalar = Unicode.Scalar(high) { return scalar }
    guard high < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")),
      case let low = try hexadecimal(), (0xDC00...0xDFFF).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    else { throw error("an unpaired surrogate in a \\u escape") }
    return scalar
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("expected four hexadecimal digits after \\u")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  // MARK: Bytes

  func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    if byte == UInt8(ascii: ":") || byte == UInt8(ascii: ",") { skipWhitespace() }
    return true
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      position += 1
    }
    return position - start
  }

  mutating func skipWhitespace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  func error(_ reason: String) -> JSONError {
    let before = bytes[..<min(position, bytes.count)]
    let line = before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
    let lineStart = (before.lastIndex(of: 0x0A) ?? -1) + 1
    return JSONError(line: line, column: before.count - lineStart + 1, reason: reason)
  }
}
