internal import Foundation
internal import Model

/// Turns the text of settings into values and collects what is wrong.
struct ValueReader {
  let values: ConfigurationValues
  private(set) var faults: [String] = []
  private var faulty: Set<String> = []

  init(values: ConfigurationValues) { self.values = values }

  /// Whether none of the settings has a fault of its own.
  func areRight(_ names: [String]) -> Bool { faulty.isDisjoint(with: names) }

  private mutating func fault(_ name: String, _ reason: String) {
    faulty.insert(name)
    faults.append(reason)
  }

  private mutating func value(_ name: String) -> (
    key: ConfigurationKey, text: String, place: String
  )? {
    guard let key = ConfigurationKey.named(name) else {
      preconditionFailure("\(name) is not in the table of keys")
    }
    guard let value = values[name] else {
      fault(name, "\(name) is missing: \(key.help); give it in the file or as \(key.flagName)")
      return nil
    }
    return (key, value.text, value.source)
  }

  private mutating func refuse(_ key: ConfigurationKey, _ text: String, _ place: String) {
    fault(key.name, "\(place): \(key.name) is '\(text)'; expected \(key.expectation)")
  }

  /// A path, its leading ~ replaced by the home folder.
  mutating func path(_ name: String) -> String {
    guard let (_, text, place) = value(name) else { return "" }
    if text.allSatisfy(\.isWhitespace) { fault(name, "\(place): \(name) is empty") }
    return Self.withHome(text)
  }

  private static func withHome(_ path: String) -> String {
    path.hasPrefix("~/") ? NSHomeDirectory() + path.dropFirst() : path
  }

  /// A path, or nil for none; `whenTrue` is what the word true stands for.
  mutating func optionalPath(_ name: String, whenTrue: String? = nil) -> String? {
    guard let text = value(name)?.text, !["none", "null", "", "~"].contains(text) else {
      return nil
    }
    if let whenTrue, let flag = ConfigurationKey.flag(text) { return flag ? whenTrue : nil }
    return Self.withHome(text)
  }

  mutating func integer(_ name: String) -> Int {
    guard let (key, text, place) = value(name), case .integer(let range) = key.kind else {
      return 1
    }
    guard let number = Int(text), range.contains(number) else {
      refuse(key, text, place)
      return range.lowerBound
    }
    return number
  }

  mutating func number(_ name: String) -> Double {
    guard let (key, text, place) = value(name), case .number(let range) = key.kind else { return 1 }
    guard let number = ConfigurationKey.number(text), range.contains(number) else {
      refuse(key, text, place)
      return range.lowerBound
    }
    return number
  }

  mutating func flag(_ name: String) -> Bool {
    guard let (key, text, place) = value(name) else { return false }
    guard let flag = ConfigurationKey.flag(text) else {
      refuse(key, text, place)
      return false
    }
    return flag
  }

  mutating func choice(_ name: String) -> String {
    guard let (key, text, place) = value(name), case .choice(let choices) = key.kind else {
      return ""
    }
    if !choices.contains(text) { refuse(key, text, place) }
    return text
  }

  /// One of the values that the setting's words stand for; `fallback` where it has a fault.
  mutating func choice<Value: RawRepresentable>(
    _ name: String, or fallback: Value
  ) -> Value where Value.RawValue == String {
    Value(rawValue: choice(name)) ?? fallback
  }

  mutating func lora() -> LoRAConfiguration {
    LoRAConfiguration(
      rank: max(1, integer("lora_r")), alpha: Float(number("lora_alpha")),
      dropout: Float(number("lora_dropout")), targets: targets("lora_target_modules"))
  }

  mutating func targets(_ name: String) -> [Projection] {
    guard let (_, text, place) = value(name) else { return [] }
    let words = ConfigurationKey.words(text)
    if words == ["all-linear"] { return Projection.allCases }
    do { return try Projection.named(words) } catch {
      fault(name, "\(place): \(name): \(error.reason)")
      return []
    }
  }
}

extension Projection {
  struct UnknownName: Error { let reason: String }

  /// The projections of `words`; throws where one matches nothing, or where there are none.
  static func named(_ words: [String]) throws(UnknownName) -> [Projection] {
    let known = allCases.map(\.name).joined(separator: ", ") + ", or all-linear alone"
    guard !words.isEmpty else { throw UnknownName(reason: "no target module; known are \(known)") }
    let unknown = words.filter { Projection(name: $0) == nil }
    guard unknown.isEmpty else {
      let names = unknown.map { "'\($0)'" }.joined(separator: ", ")
      throw UnknownName(
        reason: "target module\(unknown.count == 1 ? "" : "s") \(names)"
          + " match\(unknown.count == 1 ? "es" : "") nothing; known are \(known)")
    }
    return words.compactMap(Projection.init(name:))
  }
}
