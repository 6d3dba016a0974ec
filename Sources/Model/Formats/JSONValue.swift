/// A JSON value that keeps the order of object keys (RFC 8259).
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number written without fraction or exponent that fits in 64 bits.
  case integer(Int)
  /// Any other number.
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  package var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  package var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var intValue: Int? { if case .integer(let value) = self { value } else { nil } }
  package var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  package var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

  /// Any number, whichever way it was written.
  package var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  /// What kind of value this is, for messages: "a string", "an array", ...
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .integer, .double: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// The member `key` of an object; nil for every other kind of value.
  package subscript(key: String) -> JSONValue? { objectValue?[key] }
}

/// The members of a JSON object in the order of the file; no key occurs twice.
package struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  package private(set) var keys: [String] = []
  package private(set) var values: [JSONValue] = []
  /// Positions by key, kept only where a linear search would be slow.
  private var index: [String: Int] = [:]
  private static let indexedFrom = 16

  package init() {}

  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    for (key, value) in elements { self[key] = value }
  }

  package var count: Int { keys.count }

  /// The value of `key`; setting an existing key replaces its value in place, nil is not stored.
  package subscript(key: String) -> JSONValue? {
    get { position(of: key).map { values[$0] } }
    set {
      guard let newValue else { return }
      if let position = position(of: key) {
        values[position] = newValue
      } else {
        add(key, newValue)
      }
    }
  }

  /// Adds a member at the end; false, and nothing is added, if the key is there already.
  package mutating func append(_ key: String, _ value: JSONValue) -> Bool {
    guard position(of: key) == nil else { return false }
    add(key, value)
    return true
  }

  private func position(of key: String) -> Int? {
    keys.count < Self.indexedFrom ? keys.firstIndex(of: key) : index[key]
  }

  private mutating func add(_ key: String, _ value: JSONValue) {
    keys.append(key)
    values.append(value)
    if keys.count == Self.indexedFrom {
      for (position, key) in keys.enumerated() { index[key] = position }
    } else if keys.count > Self.indexedFrom {
      index[key] = keys.count - 1
    }
  }

  package static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.keys == right.keys && left.values == right.values
  }
}
