/// A JSON object with a name for messages, whose members have the kind of value that is asked for.
struct JSONMembers {
  private let object: JSONObject
  private let name: String

  init(_ value: JSONValue, _ name: String) throws {
    guard case .object(let object) = value else {
      throw TokenizerError(description: "\(name) is \(value.kind), not an object")
    }
    self.object = object
    self.name = name
  }

  /// Null where there is none.
  func value(_ key: String) -> JSONValue { object[key] ?? .null }

  func fault(_ key: String, _ expected: String) -> TokenizerError {
    let found = object[key].map { $0 == .string("") ? "empty" : $0.kind } ?? "missing"
    return TokenizerError(description: "\"\(key)\" of \(name) is \(found), not \(expected)")
  }

  func flag(_ key: String, default fallback: Bool = false) throws -> Bool {
    switch value(key) {
    case .null: return fallback
    case .bool(let flag): return flag
    default: throw fault(key, "true or false")
    }
  }

  func list(_ key: String) throws -> [JSONValue] {
    switch value(key) {
    case .null: return []
    case .array(let list): return list
    default: throw fault(key, "an array")
    }
  }

  func object(_ key: String) throws -> JSONMembers {
    guard value(key) != .null else { throw fault(key, "an object") }
    return try JSONMembers(value(key), "its \(key)")
  }
}
