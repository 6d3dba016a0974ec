internal import Model

/// What is wrong with a data set; nothing is trained on a part of it.
package struct DatasetError: Error, CustomStringConvertible {
  package let description: String
  /// 66 for a missing file, 65 for bad content.
  package let exitCode: Int32
}

/// A data set in Recipe-MPR's schema: a JSON array of questions, options in the order of their keys.
///
/// Strict UTF-8 without a byte order mark; LF or CRLF; no key twice; see `QuestionReader` for what a question must be.
package struct Dataset: Sendable {
  package let questions: [Question]
  /// Labels in the order in which the file names them.
  package let typeNames: [String]
  private static let shownFaults = 20

  /// Reads and checks every question; throws one `DatasetError` that lists the faults.
  package init(path: String) throws(DatasetError) {
    let bytes: [UInt8]
    do { bytes = try InputFile.bytes(path) } catch {
      throw DatasetError(
        description: "cannot read the data set: \(path) \(error.reason); give its path as"
          + " dataset_path", exitCode: 66)
    }
    try self.init(bytes: bytes, name: path)
  }

  package init(bytes: [UInt8], name: String) throws(DatasetError) {
    var faults: [String] = []
    var questions: [Question] = []
    var typeNames: [String] = []
    var knownTypes: Set<String> = []
    var seen: [String: Int] = [:]
    for (index, item) in try Self.items(bytes, name).enumerated() {
      var reader = QuestionReader(item: item)
      if let question = reader.read(index: index) {
        if let first = seen.updateValue(index, forKey: Self.identity(of: question)) {
          reader.faults.append(
            "repeats question \(first): one copy could be trained on and the other held out")
        }
        questions.append(question)
        for type in reader.typeNames where knownTypes.insert(type).inserted {
          typeNames.append(type)
        }
      }
      faults += reader.faults.map { "  question \(index): \($0)" }
    }
    guard faults.isEmpty else {
      let more = faults.count - Self.shownFaults
      let tail = more > 0 ? ["  and \(more) more"] : []
      throw DatasetError(
        description: "the data set \(name) has \(faults.count) fault"
          + "\(faults.count == 1 ? "" : "s") (questions are counted from 0):\n"
          + (faults.prefix(Self.shownFaults) + tail).joined(separator: "\n"), exitCode: 65)
    }
    self.questions = questions
    self.typeNames = typeNames
  }

  /// The elements of the file's array.
  private static func items(_ bytes: [UInt8], _ name: String) throws(DatasetError) -> [JSONValue] {
    let fault = { (reason: String) in
      DatasetError(description: "the data set \(name) \(reason)", exitCode: 65)
    }
    let json: JSONValue
    do { json = try JSONParser.parse(bytes) } catch {
      guard !isJSONLines(bytes) else {
        throw fault(
          "has one JSON object per line; expected one JSON array:"
            + " jq -s . questions.jsonl > questions.json")
      }
      throw fault("is not valid JSON: \(error)")
    }
    guard let items = json.arrayValue else {
      throw fault("is \(json.kind); expected an array of questions")
    }
    guard !items.isEmpty else { throw fault("is an empty array; expected questions") }
    return items
  }

  /// Whether the first two lines that are not blank are complete objects.
  private static func isJSONLines(_ bytes: [UInt8]) -> Bool {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 64)
      .filter { !$0.allSatisfy { $0 <= 0x20 } }.prefix(2)
    return lines.count == 2 && lines.allSatisfy { isObject(Array($0)) }
  }

  private static func isObject(_ bytes: [UInt8]) -> Bool {
    do { return try JSONParser.parse(bytes).objectValue != nil } catch { return false }
  }

  /// What makes two questions the same: query and options, whatever their order and outer spaces.
  private static func identity(of question: Question) -> String {
    let options = question.options.map { QuestionReader.trimmed($0.text) }.sorted()
    return ([QuestionReader.trimmed(question.query)] + options).joined(separator: "\u{0}")
  }
}
