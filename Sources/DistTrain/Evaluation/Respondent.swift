internal import Foundation
internal import Model

/// A model with an adapter that answers single questions in this process.
struct Respondent {
  /// What is shown for one question.
  struct Answer {
    let question: String
    let options: [String]
    /// One for each option; empty for an answer in words.
    let probabilities: [Double]
    let words: String?
  }

  private let base: ModelFolder
  private let layout: AdapterLayout
  private let adapter: [Float]
  private let weights: QwenModel
  private let format: ScoringFormat
  private let chats: Bool
  /// The longest prompt and answer.
  private let limit: Int
  private static let defaultLimit = 2048

  /// Reads a run's own settings where there is a run, and the adapter's for what is not given.
  init(
    run: String?, adapter: String?, model: String?, chat: Bool, maximumNewTokens: Int, threads: Int
  ) throws {
    let configuration = try run.map(Self.configuration)
    let folder = try (adapter ?? run.map { $0 + "/adapter" }).map(AdapterFolder.init)
    guard let name = model ?? configuration?.modelName ?? folder?.baseModel, !name.isEmpty else {
      throw CommandFailure("the adapter names no base model; give --model", exitCode: 66)
    }
    let template = chat ? PromptTemplate.chat : configuration?.promptTemplate ?? .plain
    base = try ModelFolder(HubCache.own.resolve(name), named: name, template: template)
    layout = AdapterLayout(
      base.sizes,
      folder?.configuration ?? LoRAConfiguration(rank: 1, alpha: 1, dropout: 0, targets: [.query]))
    self.adapter =
      try folder?.parameters(layout) ?? [Float](repeating: 0, count: layout.count)
    let precision = configuration?.precision ?? .float32
    precision.setThreadCount(threads)
    limit = max(Self.defaultLimit, configuration?.maximumLength ?? 0) + maximumNewTokens
    weights = try base.load(layout, longest: limit, precision: precision, prefetches: true)
    chats = chat
    format = ScoringFormat(
      base: base, rule: template == .open ? .option : .letter, template: template, order: .dataset,
      seed: 0, maximumLength: limit - maximumNewTokens, maximumNewTokens: maximumNewTokens)
  }

  private static func configuration(_ run: String) throws -> RunConfiguration {
    guard FileManager.default.fileExists(atPath: run + "/config.yaml") else {
      throw CommandFailure(
        "\(run) is not the folder of a run (no config.yaml); give one, or --adapter", exitCode: 66)
    }
    return try RunConfiguration(
      ConfigurationValues(
        file: run + "/config.yaml", environment: [:],
        overrides: [("resume_from_checkpoint", "none")]))
  }

  /// The options' probabilities, or an answer in words where there are none.
  func answer(_ question: String, options: [String]) throws -> Answer {
    let parameters = FloatBuffer(adapter)
    guard !options.isEmpty, !chats else {
      let text = ([question] + options).joined(separator: "\n")
      let tokens = base.tokenizer.encode(chats ? base.chatTemplate.prompt(user: text) : text)
      guard tokens.count <= format.maximumLength else {
        throw CommandFailure(
          "the question has \(tokens.count) tokens; at most \(format.maximumLength) fit",
          exitCode: 65)
      }
      let activations = ActivationBuffer(
        GreedyDecoding.plan([[tokens]], maximumNewTokens: format.maximumNewTokens), for: weights)
      let words = GreedyDecoding(
        weights, stops: base.stopTokens, maximumNewTokens: format.maximumNewTokens
      ).continuations(of: [tokens], adapter: parameters, activations)
      return Answer(
        question: question, options: options, probabilities: [],
        words: base.tokenizer.decode(words[0]).trimmingCharacters(in: .whitespacesAndNewlines))
    }
    let item = try ScoringItem(
      Question(
        index: 0, query: question, types: [],
        options: options.enumerated().map { .init(identifier: "\($0)", text: $1) }, answerIndex: 0,
        explanation: .null), format)
    let activations = ActivationBuffer(Evaluator.plan(format, fitting: [item]), for: weights)
    let sums = item.requests.flatMap { request in
      request.sums(weights.logProbabilities(request.batch, adapter: parameters, activations))
    }
    return Answer(
      question: question, options: options, probabilities: softmax(item.scored(sums: sums).scores),
      words: nil)
  }
}

extension Respondent.Answer {
  private static let barWidth = 20

  /// The options with their probabilities as bars, or the words.
  var text: String {
    if let words { return words }
    let best = probabilities.indices.reduce(0) { probabilities[$1] > probabilities[$0] ? $1 : $0 }
    return options.enumerated().map { index, option in
      let length = Int((probabilities[index] * Double(Self.barWidth)).rounded())
      let bar =
        String(repeating: "#", count: length)
        + String(repeating: ".", count: Self.barWidth - length)
      let percent = Console.padded(Console.fixed(100 * probabilities[index], 1), 5)
      return "\(index == best ? ">" : " ") \(letter(index)) \(bar) \(percent) %  \(option)"
    }.joined(separator: "\n")
  }

  var json: JSONValue {
    .object([
      "question": .string(question), "options": .array(options.map(JSONValue.string)),
      "probabilities": .array(probabilities.map(JSONValue.double)),
      "answer": words.map { .string($0) } ?? .null,
    ])
  }
}
