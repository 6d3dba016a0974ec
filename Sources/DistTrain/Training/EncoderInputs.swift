package import Checkpoints
internal import Foundation
package import Model

/// What a run with an encoder reads before its first step.
package struct EncoderInputs: TrainingInputs {
  package let configuration: RunConfiguration
  package let dataset: Dataset
  package let split: Split
  package let model: EncoderModel
  private let tokenizer: EncoderTokenizer
  private var sizes: EncoderConfiguration { model.configuration }

  /// A question's options as sequences.
  package struct Example: Sendable {
    let question: Question
    /// In the order of the file.
    let options: [EncodedPair]
    /// Options that lost tokens to the maximum length.
    let truncatedCount: Int
  }

  package init(_ configuration: RunConfiguration) throws {
    self.configuration = configuration
    dataset = try Dataset(path: configuration.datasetPath)
    split = try RunInputs.split(configuration, count: dataset.questions.count)
    let path = configuration.modelPath
    let sizes = try EncoderConfiguration(modelFolder: path)
    tokenizer = try EncoderTokenizer(folder: path)
    do {
      try tokenizer.check(fits: sizes, maximumLength: configuration.maximumLength)
    } catch { throw CommandFailure("\(path): \(error)", exitCode: 65) }
    model = EncoderModel(sizes, precision: configuration.precision)
  }

  // MARK: Data

  private static let oversampledLabel = "Negated"

  package var trainingQuestions: [Int] {
    split.train.flatMap { index in
      let isNegated = dataset.questions[index].types.contains(Self.oversampledLabel)
      return [Int](repeating: index, count: isNegated ? configuration.negatedCount : 1)
    }
  }

  package var changesWithEpoch: Bool { false }
  package var showsLetters: Bool { false }

  package func examples(_ indices: [Int], epoch: Int?) throws -> [Example] {
    var known: [Int: Example] = [:]
    return indices.map { index in
      if let example = known[index] { return example }
      let question = dataset.questions[index]
      let pairs = question.options.map { pair(question.query, $0) }
      let example = Example(
        question: question, options: pairs.map(\.encoded),
        truncatedCount: pairs.count(where: \.isTruncated))
      known[index] = example
      return example
    }
  }

  /// A question and an option as one sequence, and whether it lost tokens to the maximum length.
  private func pair(
    _ query: String, _ option: Question.Option
  ) -> (encoded: EncodedPair, isTruncated: Bool) {
    let (query, text) = (QuestionReader.trimmed(query), QuestionReader.trimmed(option.text))
    let whole = tokenizer.pair(query, text, maximumLength: .max)
    guard whole.tokens.count > configuration.maximumLength else { return (whole, false) }
    return (tokenizer.pair(query, text, maximumLength: configuration.maximumLength), true)
  }

  package func microBatch(_ examples: [Example]) -> ChoiceBatch {
    var batch = ChoiceBatch()
    for example in examples { batch.append(example.options, answer: example.question.answerIndex) }
    return batch
  }

  package func plan(_ examples: [Example]) -> EncoderPlan {
    EncoderPlan(fitting: [microBatch(examples)], keepsForBackward: true)
  }

  package func normalization(_ batch: ChoiceBatch) -> Int { batch.questions.count }

  package func joining(_ plan: EncoderPlan) -> EncoderPlan { plan }

  package func tokenCount(_ example: Example) -> Int {
    example.options.reduce(0) { $0 + $1.tokens.count }
  }

  package func scoringItem(_ question: Question, hidesQuestion: Bool) throws -> ScoringItem {
    let order = configuration.optionOrder.order(of: question, seed: configuration.seed, epoch: nil)
    let pairs = order.map { pair(hidesQuestion ? "" : question.query, question.options[$0]) }
    return ScoringItem(
      question: question, rule: .logit, orders: [order], pairs: pairs.map(\.encoded),
      isTruncated: pairs.contains(where: \.isTruncated))
  }

  package func validationTexts() throws -> [ChoiceBatch] { [] }

  // MARK: Model

  package func load(
    training: EncoderPlan?, scoring items: [ScoringItem], texts: [ChoiceBatch], prefetches: Bool
  ) throws -> EncoderLearner {
    EncoderLearner(self, training: training, scoring: items)
  }

  package func checkWeights() throws {
    _ = try model.parameters(folder: configuration.modelPath, seed: configuration.seed)
  }

  package var tensors: [CheckpointTensor] { model.checkpointTensors }

  package var architecture: String { sizes.architecture.rawValue }
  package var baseParameterCount: Int { model.layout.count }
  package var parameterCount: Int { model.layout.count }
  package var methodRecord: JSONObject { [:] }

  /// Six for each parameter but those of tables, of which a token takes a row.
  package var operationsPerToken: Double {
    let computed = model.layout.tensors.filter { !$0.name.contains("_embeddings.") }
    return 6 * Double(computed.reduce(0) { $0 + $1.count })
  }

  package func weightFiles() throws(ModelError) -> [String] {
    try EncoderModel.weightFiles(folder: configuration.modelPath)
      + [configuration.modelPath + "/config.json"]
  }

  package var tokenizerFile: String {
    let path = configuration.modelPath + "/tokenizer.json"
    return FileManager.default.fileExists(atPath: path)
      ? path : configuration.modelPath + "/vocab.txt"
  }

  // MARK: Reports

  package static var product: String { "model" }
  package static var reader: String { "transformers" }

  package func memory(
    training: EncoderPlan, scoring: EncoderPlan, program: Int
  ) throws -> MemoryEstimate {
    MemoryEstimate(
      weights: 0, activations: training.byteCount(sizes, precision: configuration.precision),
      scoring: scoring.byteCount(sizes, precision: configuration.precision),
      parameters: model.layout.count, keepsGradients: true, program: program)
  }

  package func addRows(to screen: inout FirstScreen, _ examples: [Example]) {
    screen.addName(configuration)
    screen.add(
      "",
      "\(architecture), \(FirstScreen.counted(sizes.layerCount, "layer")) of \(sizes.hiddenSize)")
    screen.add(
      "method",
      "multiple-choice head, every parameter is trained"
        + (configuration.labelSmoothing > 0
          ? ", label smoothing \(configuration.labelSmoothing)" : ""))
    screen.add("trainable", "\(Console.grouped(model.layout.count)), all of them")
    screen.addSplit(configuration, split)
    let more = trainingQuestions.count - split.train.count
    if more > 0 {
      screen.add(
        "", "\(Self.oversampledLabel) \(configuration.negatedCount) times: \(more) more to train on"
      )
    }
    screen.addLengths(
      examples.flatMap { $0.options.map(\.tokens.count) }, of: "a sequence",
      truncated: examples.reduce(0) { $0 + $1.truncatedCount }, configuration)
  }

  package func write(_ parameters: borrowing FloatBuffer, to folder: RunFolder) throws {
    try folder.make("model")
    do {
      try model.write(parameters, from: configuration.modelPath, to: folder.model)
    } catch let error as ModelError {
      throw CommandFailure("\(error)", exitCode: 74)
    } catch {
      throw CommandFailure(
        "cannot write \(folder.model): \(RunFolder.reason(error))", exitCode: 74)
    }
  }
}

extension EncoderModel {
  /// The tensors of the arenas, as a checkpoint names them.
  var checkpointTensors: [CheckpointTensor] {
    layout.tensors.map { tensor in
      let rows = tensor.shape.count == 2 ? tensor.shape[0] : 1
      return CheckpointTensor(name: tensor.name, rows: rows, columns: tensor.count / rows)
    }
  }
}
