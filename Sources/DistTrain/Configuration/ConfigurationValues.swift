internal import Foundation
package import Model
internal import Yams

/// The text of every setting and where it came from, before it is typed: flag > environment > file > default.
package struct ConfigurationValues: Sendable, Equatable {
  package struct Value: Sendable, Equatable {
    package let text: String
    /// "default", "config.yaml:3", "environment", or the flag.
    package let source: String
  }
  private(set) var values: [String: Value] = [:]

  package subscript(name: String) -> Value? { values[name] }

  /// Merges all sources; throws one error with every fault found.
  package init(
    file: String?, environment: [String: String], overrides: [(key: String, value: String)]
  ) throws(ConfigurationError) {
    var faults: [String] = []
    for key in ConfigurationKey.all {
      if let fallback = key.fallback { values[key.name] = Value(text: fallback, source: "default") }
    }
    if let file { readFile(file, &faults) }
    for key in ConfigurationKey.all {
      let variable = "DISTTRAIN_" + key.name.uppercased()
      if let text = environment[variable] {
        values[key.name] = Value(text: text, source: variable)
      }
    }
    for (name, text) in overrides {
      if ConfigurationKey.named(name) == nil {
        faults.append(ConfigurationError.unknownKey(name, at: "command line"))
      } else {
        values[name] = Value(text: text, source: "command line")
      }
    }
    if !faults.isEmpty { throw ConfigurationError(faults) }
  }

  private mutating func readFile(_ path: String, _ faults: inout [String]) {
    guard let bytes = FileManager.default.contents(atPath: path),
      let text = String(validating: bytes, as: UTF8.self)
    else {
      faults.append("cannot read the configuration \(path) as UTF-8 text")
      return
    }
    do {
      guard let node = try Yams.compose(yaml: text) else { return }
      guard let mapping = node.mapping else {
        faults.append("\(path): expected lines of 'key: value'")
        return
      }
      for (key, value) in mapping { readPair(path, key, value, &faults) }
    } catch { faults.append("\(path): \(error)") }
  }

  private mutating func readPair(
    _ path: String, _ key: Node, _ value: Node, _ faults: inout [String]
  ) {
    let place = "\(path):\(key.mark?.line ?? 0)"
    let name = key.scalar?.string ?? ""
    guard let known = ConfigurationKey.named(name) else {
      faults.append(ConfigurationError.unknownKey(name, at: place))
      return
    }
    if let scalar = value.scalar {
      values[name] = Value(text: scalar.string, source: place)
    } else if let list = value.sequence, known.kind == .list,
      list.allSatisfy({ $0.scalar != nil })
    {
      values[name] = Value(
        text: list.compactMap { $0.scalar?.string }.joined(separator: ","), source: place)
    } else {
      faults.append("\(place): \(name) takes one value, not a list or a nested block")
    }
  }

  /// Takes a command line apart: CONFIG.yaml, key=value, --key value, --key=value, and bare --flag.
  package static func parse(
    _ arguments: [String]
  ) throws(ConfigurationError) -> (file: String?, overrides: [(key: String, value: String)]) {
    var file: String?
    var overrides: [(key: String, value: String)] = []
    var faults: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      let word = argument.drop { $0 == "-" }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0]).replacing("-", with: "_")
      if argument.hasPrefix("--") || parts.count == 2 {
        if parts.count == 2 {
          overrides.append((name, String(parts[1])))
        } else if let next = rest.first, !next.hasPrefix("--") {
          overrides.append((name, next))
          rest = rest.dropFirst()
        } else if ConfigurationKey.named(name)?.kind == .flag {
          overrides.append((name, "true"))
        } else if ConfigurationKey.named(name) == nil {
          faults.append(ConfigurationError.unknownKey(name, at: "command line"))
        } else {
          faults.append("command line: \(argument) needs a value")
        }
      } else if file == nil {
        file = argument
      } else {
        faults.append("command line: '\(argument)' is neither key=value nor a flag")
      }
    }
    if !faults.isEmpty { throw ConfigurationError(faults) }
    return (file, overrides)
  }
}

extension ConfigurationValues {
  /// Text and source of every setting, for the other ranks.
  package var json: JSONValue {
    var object = JSONObject()
    for key in ConfigurationKey.all {
      guard let value = values[key.name] else { continue }
      object[key.name] = .array([.string(value.text), .string(value.source)])
    }
    return .object(object)
  }

  package init(json: JSONValue) {
    guard let object = json.objectValue else { return }
    for (name, value) in zip(object.keys, object.values) {
      let parts = value.arrayValue?.compactMap(\.stringValue) ?? []
      if parts.count == 2 { values[name] = Value(text: parts[0], source: parts[1]) }
    }
  }
}
