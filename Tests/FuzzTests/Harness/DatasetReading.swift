internal import DistTrain
internal import Model

/// Data sets and split files.
struct DatasetReading {
  let folder: ScratchFolder
  static let questionCount = 10

  func accepts(_ content: [UInt8], _ choice: UInt8) throws -> Bool {
    switch choice % 3 {
    case 0: try acceptsDataset(content)
    default: try acceptsSplit(content, validation: choice % 3 == 1 ? 0.1 : 0)
    }
  }

  private func acceptsDataset(_ content: [UInt8]) throws -> Bool {
    let data: Dataset
    do { data = try Dataset(path: folder.write(content, to: "questions.json")) } catch {
      return false
    }
    let again = try Dataset(bytes: Array(Self.json(data).text().utf8), name: "copy")
    try FuzzFinding.require(again.questions == data.questions, "a copy has other questions")
    let chat = ChatTemplate.qwen3
    for question in data.questions {
      for order in OptionOrder.allCases.map({ $0.order(of: question, seed: 1, epoch: 2) }) {
        try FuzzFinding.require(
          order.sorted() == Array(question.options.indices), "an order that loses an option")
        for template in PromptTemplate.allCases {
          _ = template.prompt(question, order: order, chat: chat)
          _ = template.answer(question, order: order, position: order.count - 1, chat: chat)
        }
      }
    }
    let counts = OptionOrder.shuffled.goldPositions(data.questions, seed: 1)
    try FuzzFinding.require(
      counts.reduce(0, +) == data.questions.count, "positions \(counts) of right options")
    return true
  }

  private static func json(_ data: Dataset) -> JSONValue {
    .array(
      data.questions.map { question in
        var types = JSONObject()
        for name in data.typeNames { types[name] = .integer(question.types.contains(name) ? 1 : 0) }
        var options = JSONObject()
        for option in question.options { options[option.identifier] = .string(option.text) }
        return .object([
          "query": .string(question.query), "query_type": .object(types),
          "options": .object(options),
          "answer": .string(question.options[question.answerIndex].identifier),
          "correctness_explanation": question.explanation,
        ])
      })
  }

  private func acceptsSplit(_ content: [UInt8], validation: Double) throws -> Bool {
    func split(_ path: String) throws -> Split {
      try Split.file(
        path, count: Self.questionCount, train: 0.8, validation: validation, seed: 3)
    }
    let path = try folder.write(content, to: "split.json")
    let first: Split
    do { first = try split(path) } catch { return false }
    let all = first.train + first.validation + first.heldOut
    try FuzzFinding.require(
      Set(all).count == all.count && all.allSatisfy { (0..<Self.questionCount).contains($0) }
        && !first.train.isEmpty && !first.heldOut.isEmpty, "an impossible split: \(first)")
    let copy = try folder.write(first.json(source: "file", seed: 3).text(), to: "split.json")
    try FuzzFinding.require(try split(copy) == first, "a copy gives another split")
    return true
  }
}
