package import Checkpoints
package import Model

extension RunInputs: TrainingInputs {
  package var trainingQuestions: [Int] { split.train }
  package var changesWithEpoch: Bool { configuration.optionOrder == .reshuffled }
  package var showsLetters: Bool { configuration.promptTemplate != .open }

  package func plan(_ examples: [TokenizedExample]) -> ActivationPlan {
    ActivationPlan(
      tokens: examples.reduce(0) { $0 + $1.tokens.count },
      sequence: examples.map(\.tokens.count).max() ?? 0,
      targets: examples.reduce(0) { $0 + targetCount($1) }, keepsForBackward: true,
      checkpointing: configuration.checkpointing)
  }

  package func joining(_ plan: ActivationPlan) throws -> ActivationPlan {
    try ModelSizes(configuration.modelPath, layout.configuration).joining(plan, configuration)
  }

  package func tokenCount(_ example: TokenizedExample) -> Int { example.tokens.count }

  package func scoringItem(_ question: Question, hidesQuestion: Bool) throws -> ScoringItem {
    try ScoringItem(question, scoring, hidesQuestion: hidesQuestion)
  }

  package func validationTexts() throws -> [MicroBatch] {
    try examples(split.validation, epoch: nil).map { microBatch([$0]) }
  }

  package func load(
    training: ActivationPlan?, scoring items: [ScoringItem], texts: [MicroBatch], prefetches: Bool
  ) throws -> AdapterLearner {
    let longest = Evaluator.plan(scoring, fitting: items, texts: texts).sequence
    let model = try loadModel(
      longest: max(longest, training?.sequence ?? 0), prefetches: prefetches)
    return AdapterLearner(self, model, training: training, scoring: items, texts: texts)
  }

  /// Weights are checked for names and shapes and not read.
  package func checkWeights() throws {
    _ = try loadModel(longest: 2, prefetches: false)
    _ = try adapter?.parameters(layout)
  }

  package var tensors: [CheckpointTensor] { layout.checkpointTensors }
  package var architecture: String { model.architecture.rawValue }
  package var baseParameterCount: Int { model.parameterCount }
  package var parameterCount: Int { model.parameterCount + layout.count }

  package var methodRecord: JSONObject {
    [
      "lora_alpha": .double(Double(layout.configuration.alpha)),
      "lora_dropout": .double(Double(layout.configuration.dropout)),
    ]
  }

  /// Two for each frozen weight forward and two backward, six for each of the adapter's.
  package var operationsPerToken: Double {
    4 * Double(model.parameterCount) + 6 * Double(layout.count)
  }

  package func weightFiles() throws(ModelError) -> [String] {
    try WeightFolder(path: configuration.modelPath).filePaths
      + [configuration.modelPath + "/config.json"]
  }

  package var tokenizerFile: String { configuration.modelPath + "/tokenizer.json" }

  package static var product: String { "adapter" }
  package static var reader: String { "PEFT" }

  package func memory(
    training: ActivationPlan, scoring: ActivationPlan, program: Int
  ) throws -> MemoryEstimate {
    MemoryEstimate(
      try ModelSizes(configuration.modelPath, layout.configuration), training: training,
      scoring: scoring, configuration.precision, program: program)
  }

  package func addRows(to screen: inout FirstScreen, _ examples: [TokenizedExample]) throws {
    screen.addModel(self, try ModelSizes(configuration.modelPath, layout.configuration))
    screen.addData(self, examples)
  }

  package func write(_ parameters: borrowing FloatBuffer, to folder: RunFolder) throws {
    try folder.writeAdapter(parameters.array(), layout, baseModel: configuration.modelName)
  }
}
