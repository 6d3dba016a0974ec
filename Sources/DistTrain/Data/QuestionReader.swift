internal import Foundation
internal import Model

/// Checks one element of a data set and collects everything that is wrong with it.
///
/// A question has a query, 2 to 26 options with different texts, an answer that names one of them, types of 0 or 1, and
/// may have an explanation; no other keys, no empty text, no NUL, at most 1,000,000 bytes per text.
struct QuestionReader {
  private let item: JSONValue
  var faults: [String] = []
  private(set) var typeNames: [String] = []
  private static let keys = [
    "query", "query_type", "options", "answer", "correctness_explanation",
  ]
  private static let maximumText = 1_000_000

  init(item: JSONValue) { self.item = item }

  /// The question, or nil and at least one fault.
  mutating func read(index: Int) -> Question? {
    guard let object = item.objectValue else {
      faults.append("is \(item.kind), not an object")
      return nil
    }
    for key in object.keys where !Self.keys.contains(key) {
      faults.append(
        "unknown key \(Self.quoted(key)); known are \(Self.keys.joined(separator: ", "))")
    }
    let query = text(object["query"], "query")
    let types = types(object["query_type"])
    let options = options(object["options"])
    let answer = text(object["answer"], "answer")
    checkExplanation(object["correctness_explanation"])
    guard let query, let types, let options, let answer else { return nil }
    guard let position = options.firstIndex(where: { $0.identifier == answer }) else {
      faults.append(
        "answer \(Self.quoted(answer)) is none of the options' keys: "
          + options.map { Self.quoted($0.identifier) }.joined(separator: ", "))
      return nil
    }
    guard faults.isEmpty else { return nil }
    return Question(
      index: index, query: query, types: types, options: options, answerIndex: position,
      explanation: object["correctness_explanation"] ?? .null)
  }

  static func trimmed(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
      let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
    else { return "" }
    return String(scalars[first...last])
  }

  /// Text from the file as a message shows it: in quotes, short, without line breaks.
  private static func quoted(_ text: String) -> String {
    let short = text.count > 60 ? text.prefix(60) + "..." : text[...]
    return JSONValue.string(String(short)).text()
  }

  private mutating func text(_ value: JSONValue?, _ name: String) -> String? {
    guard let value else {
      faults.append("\(name) is missing")
      return nil
    }
    guard let text = value.stringValue else {
      faults.append("\(name) is \(value.kind), not a string")
      return nil
    }
    if Self.trimmed(text).isEmpty {
      faults.append("\(name) is empty")
    } else if text.utf8.contains(0) {
      faults.append("\(name) contains a NUL character")
    } else if text.utf8.count > Self.maximumText {
      faults.append(
        "\(name) has \(text.utf8.count) bytes; \(Self.maximumText) are the most a text may have")
    } else {
      return text
    }
    return nil
  }

  private mutating func object(_ value: JSONValue?, _ name: String) -> JSONObject? {
    guard let value else {
      faults.append("\(name) is missing")
      return nil
    }
    guard let object = value.objectValue else {
      faults.append("\(name) is \(value.kind), not an object")
      return nil
    }
    return object
  }

  private mutating func types(_ value: JSONValue?) -> [String]? {
    guard let object = object(value, "query_type") else { return nil }
    for (name, flag) in zip(object.keys, object.values)
    where flag.intValue != 0 && flag.intValue != 1 {
      faults.append("query_type \(Self.quoted(name)) is neither 0 nor 1")
    }
    typeNames = object.keys
    return zip(object.keys, object.values).filter { $0.1.intValue == 1 }.map(\.0)
  }

  private mutating func options(_ value: JSONValue?) -> [Question.Option]? {
    guard let object = object(value, "options") else { return nil }
    guard (2...26).contains(object.count) else {
      faults.append(
        "has \(object.count) option\(object.count == 1 ? "" : "s"); 2 to 26 are possible")
      return nil
    }
    var options: [Question.Option] = []
    for (identifier, value) in zip(object.keys, object.values) {
      guard let text = text(value, "option \(Self.quoted(identifier))") else { continue }
      if options.contains(where: { Self.trimmed($0.text) == Self.trimmed(text) }) {
        faults.append("two options have the text \(Self.quoted(text))")
      }
      options.append(.init(identifier: identifier, text: text))
    }
    return options.count == object.count ? options : nil
  }

  private mutating func checkExplanation(_ value: JSONValue?) {
    guard let value, value != .null, let object = object(value, "correctness_explanation") else {
      return
    }
    for (span, reason) in zip(object.keys, object.values) {
      let isText = reason.stringValue != nil
      let isTexts = reason.arrayValue?.allSatisfy { $0.stringValue != nil } ?? false
      if !isText && !isTexts {
        faults.append(
          "correctness_explanation \(Self.quoted(span)) is \(reason.kind), not a string or a list"
            + " of strings")
      }
    }
  }
}
