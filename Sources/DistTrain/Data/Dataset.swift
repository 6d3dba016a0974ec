internal import Foundation
internal import Model

/// What is wrong with a data set; nothing is trained on a part of it.
package struct DatasetError: Error, CustomStringConvertible {
  package let description: String
  /// 66 for a missing file, 65 for bad content.
  package let exitCode: Int32
}

/// A data set in Recipe-MPR's schema: a JSON array of questions, options in the order of their keys.
package struct Dataset: Sendable {
  package let questions: [Question]
  /// Labels in the order in which the file names them.
  package let typeNames: [String]
  private static let shownFaults = 20
  private static let maximumText = 1_000_000

  /// Reads and checks every question; throws one `DatasetError` that lists the faults.
  package init(path: String) throws(DatasetError) {
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw DatasetError(
        description: "cannot read the data set \(path); give its path as dataset_path", exitCode: 66
      )
    }
    try self.init(bytes: Array(bytes), name: path)
  }

  init(bytes: [UInt8], name: String) throws(DatasetError) {
    let json: JSONValue
    do { json = try JSONParser.parse(bytes) } catch {
      throw DatasetError(description: "\(name), \(error)", exitCode: 65)
    }
    guard let items = json.arrayValue, !items.isEmpty else {
      throw DatasetError(
        description: "\(name) is \(json.kind); expected an array of questions", exitCode: 65)
    }
    var faults: [String] = []
    var questions: [Question] = []
    var typeNames: [String] = []
    var seen: [String: Int] = [:]
    for (index, item) in items.enumerated() {
      var reader = QuestionReader(index: index, item: item)
      if let question = reader.read() {
        let identity =
          question.query + "\n" + question.options.map(\.text).sorted().joined(separator: "\n")
        if let first = seen[identity] {
          reader.faults.append(
            "repeats question \(first): one copy could land in training, one held out")
        }
        seen[identity] = index
        questions.append(question)
        for type in reader.typeNames where !typeNames.contains(type) { typeNames.append(type) }
      }
      faults += reader.faults.map { "  question \(index): \($0)" }
    }
    guard faults.isEmpty else {
      let more = faults.count - Self.shownFaults
      let tail = more > 0 ? ["  and \(more) more"] : []
      throw DatasetError(
        description: "\(name) has \(faults.count) fault\(faults.count == 1 ? "" : "s"):\n"
          + (faults.prefix(Self.shownFaults) + tail).joined(separator: "\n"), exitCode: 65)
    }
    self.questions = questions
    self.typeNames = typeNames
  }

  /// Checks one array element and collects everything that is wrong with it.
  private struct QuestionReader {
    let index: Int
    let item: JSONValue
    var faults: [String] = []
    var typeNames: [String] = []
    private static let keys = [
      "query", "query_type", "options", "answer", "correctness_explanation",
    ]

    init(index: Int, item: JSONValue) {
      self.index = index
      self.item = item
    }

    mutating func read() -> Question? {
      guard let object = item.objectValue else {
        faults.append("is \(item.kind), not an object")
        return nil
      }
      for key in object.keys where !Self.keys.contains(key) {
        faults.append("unknown key \"\(key)\"")
      }
      let query = text(object["query"], "query")
      let types = types(object["query_type"])
      let options = options(object["options"])
      let answer = text(object["answer"], "answer")
      let explanation = object["correctness_explanation"]
      if let explanation, explanation.objectValue == nil {
        faults.append("correctness_explanation is \(explanation.kind), not an object")
      }
      guard let query, let types, let options, let answer else { return nil }
      guard let position = options.firstIndex(where: { $0.identifier == answer }) else {
        faults.append("answer \"\(answer)\" is none of the options")
        return nil
      }
      guard faults.isEmpty else { return nil }
      return Question(
        index: index, query: query, types: types, options: options, answerIndex: position,
        explanation: explanation ?? .null)
    }

    private mutating func text(_ value: JSONValue?, _ key: String) -> String? {
      guard let value else {
        faults.append("\(key) is missing")
        return nil
      }
      guard let text = value.stringValue else {
        faults.append("\(key) is \(value.kind), not a string")
        return nil
      }
      if text.allSatisfy(\.isWhitespace) {
        faults.append("\(key) is empty")
      } else if text.unicodeScalars.contains("\0") {
        faults.append("\(key) contains a NUL character")
      } else if text.utf8.count > Dataset.maximumText {
        faults.append("\(key) is longer than \(Dataset.maximumText) bytes")
      } else {
        return text
      }
      return nil
    }

    private mutating func types(_ value: JSONValue?) -> [String]? {
      guard let object = value?.objectValue else {
        faults.append("query_type is \(value?.kind ?? "missing"), not an object of 0 and 1")
        return nil
      }
      for (name, flag) in zip(object.keys, object.values)
      where flag.intValue != 0 && flag.intValue != 1 {
        faults.append("query_type \(name) is neither 0 nor 1")
      }
      typeNames = object.keys
      return zip(object.keys, object.values).filter { $0.1.intValue == 1 }.map(\.0)
    }

    private mutating func options(_ value: JSONValue?) -> [Question.Option]? {
      guard let object = value?.objectValue else {
        faults.append("options is \(value?.kind ?? "missing"), not an object")
        return nil
      }
      guard (2...26).contains(object.count) else {
        faults.append("has \(object.count) options; 2 to 26 are possible")
        return nil
      }
      var options: [Question.Option] = []
      for (identifier, value) in zip(object.keys, object.values) {
        guard let text = text(value, "option \(identifier)") else { continue }
        if options.contains(where: { $0.text == text }) {
          faults.append("two options have the text \"\(text)\"")
        }
        options.append(.init(identifier: identifier, text: text))
      }
      return options.count == object.count ? options : nil
    }
  }
}
