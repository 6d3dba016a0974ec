internal import Foundation
package import Model

/// The text of every setting and where it came from, before it is typed: flag > environment > file > default.
package struct ConfigurationValues: Sendable, Equatable {
  package struct Value: Sendable, Equatable {
    package let text: String
    /// "default", "config.yaml:3", "DISTTRAIN_<KEY>", or "command line".
    package let source: String
  }
  private(set) var values: [String: Value] = [:]
  /// What is wrong with names and places; `RunConfiguration` tells it together with wrong values.
  package private(set) var faults: [String] = []
  /// What is strange but stops nothing.
  package private(set) var notices: [String] = []
  /// Variables of the name space that are read elsewhere.
  private static let otherVariables = [
    "DISTTRAIN_DATA", "DISTTRAIN_GOLDEN", "DISTTRAIN_TOKENIZERS", JobProcesses.variable,
    Terminal.variable, Terminal.styleVariable,
  ]

  package subscript(name: String) -> Value? { values[name] }

  /// Merges all sources; throws where the file cannot be read at all.
  package init(
    file: String?, environment: [String: String], overrides: [(key: String, value: String)]
  ) throws(ConfigurationError) {
    for key in ConfigurationKey.all {
      if let fallback = key.fallback { values[key.name] = Value(text: fallback, source: "default") }
    }
    if let file {
      let content = try ConfigurationFile(path: file)
      faults = content.faults
      setAll(content.settings.map { ($0.name, $0.text, $0.source) })
    }
    readEnvironment(environment)
    for (name, text) in overrides {
      if ConfigurationKey.named(name) == nil {
        faults.append(ConfigurationError.unknownKey(name, at: "command line"))
      } else {
        set(name, Value(text: text, source: "command line"))
      }
    }
  }

  /// Unknown variables that look like a mistyped or foreign key are faults; others may be anyone's (Kubernetes sets
  /// some for every service), so they are told and ignored.
  private mutating func readEnvironment(_ environment: [String: String]) {
    let prefix = "DISTTRAIN_"
    var found: [(String, String, String)] = []
    for variable in environment.keys.sorted() where variable.hasPrefix(prefix) {
      guard !Self.otherVariables.contains(variable) else { continue }
      let name = variable.dropFirst(prefix.count).lowercased()
      if ConfigurationKey.named(name) != nil {
        found.append((name, environment[variable] ?? "", variable))
      } else if ForeignKey.named(name) != nil
        || ConfigurationError.nearestKey(to: name, within: 2) != nil
      {
        faults.append(ConfigurationError.unknownKey(name, at: variable))
      } else {
        notices.append("the variable \(variable) is no setting and is ignored")
      }
    }
    setAll(found)
  }

  /// Settings of one source, in which each may be given once.
  private mutating func setAll(_ settings: [(name: String, text: String, source: String)]) {
    var given: [String: String] = [:]
    for (name, text, source) in settings {
      guard let key = ConfigurationKey.named(name) else { continue }
      if let first = given[key.name], first != name {
        faults.append("\(source): \(first) and \(name) are one setting; give one of them")
      }
      given[key.name] = name
      set(name, Value(text: text, source: source))
    }
  }

  /// The same values but for those of `changes`.
  func changing(_ changes: [String: String], source: String) -> ConfigurationValues {
    var changed = self
    for (name, text) in changes { changed.set(name, Value(text: text, source: source)) }
    return changed
  }

  private mutating func set(_ name: String, _ value: Value) {
    guard let key = ConfigurationKey.named(name) else { return }
    if key.shareName == name {
      guard let share = ConfigurationKey.number(value.text), share >= 0, share < 1 else {
        faults.append(
          "\(value.source): \(name) is '\(value.text)'; expected a number from 0 to below 1"
            + " (whole steps are given as \(key.name))")
        return
      }
    }
    values[key.name] = value
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
