internal import Foundation
package import Model

/// What a run computes: the sizes of its micro-batches, step by step.
package struct Workload: Sendable, Equatable {
  /// Tokens of each micro-batch of the steps looked at.
  package let steps: [[Int]]
  package let totalSteps: Int
  /// What the largest training micro-batch and the largest scored one need.
  package let training: ActivationPlan, scoring: ActivationPlan
  /// Where the sizes come from, for the report.
  package let source: String
  /// Steps looked at; the mean of so many is as good as that of all.
  private static let sampledSteps = 2000
  /// Bytes of English text per token of Qwen's and SmolLM's vocabularies, on the low side.
  private static let bytesPerToken = 4

  package init(
    steps: [[Int]], totalSteps: Int, training: ActivationPlan, scoring: ActivationPlan,
    source: String
  ) {
    self.steps = steps
    self.totalSteps = totalSteps
    self.training = training
    self.scoring = scoring
    self.source = source
  }

  /// Tokens of all micro-batches looked at, each size once, ascending.
  package var sizes: [Int] { Set(steps.flatMap { $0 }).sorted() }

  package var meanTokensPerStep: Double {
    Double(steps.reduce(0) { $0 + $1.reduce(0, +) }) / Double(max(1, steps.count))
  }

  /// The data's own token counts.
  package init(_ inputs: RunInputs) throws {
    let configuration = inputs.configuration
    let lengths = try inputs.examples(inputs.split.train, epoch: 0).map(\.tokens.count)
    var data = TrainingData(inputs)
    let scored = try Evaluator.plan(
      inputs.scoring, fitting: HeldOutQuestions(inputs).all,
      texts: inputs.examples(inputs.split.validation, epoch: nil).map { inputs.microBatch([$0]) })
    self.init(
      lengths, configuration, training: try data.activationPlan(),
      scoring: scored,
      source: "\(lengths.count) sequences, \(Self.range(lengths)) tokens")
  }

  /// The data's texts, with a token for every four bytes of them.
  package init(estimating configuration: RunConfiguration, dataset: Dataset, split: Split) {
    let template = configuration.promptTemplate
    func tokens(_ text: String) -> Int { max(1, text.utf8.count / Self.bytesPerToken) }
    let lengths = split.train.map { index in
      let question = dataset.questions[index]
      let order = configuration.optionOrder.order(
        of: question, seed: configuration.seed, epoch: 0)
      let position = order.firstIndex(of: question.answerIndex) ?? 0
      let prompt = template.prompt(question, order: order, chat: .qwen25)
      let answer = template.answer(question, order: order, position: position, chat: .qwen25)
      return min(configuration.maximumLength, tokens(prompt) + tokens(answer))
    }
    self.init(
      lengths: lengths, configuration,
      source: "\(lengths.count) sequences, about \(Self.range(lengths)) tokens (no tokenizer here)")
  }

  /// Sequences that all have `tokens` tokens; one window of them where their number is not known.
  package init(tokens: Int, sequences: Int?, _ configuration: RunConfiguration) {
    let count = sequences ?? configuration.batchSize * configuration.accumulation
    let number = sequences.map { "\($0) sequences" } ?? "sequences"
    self.init(
      lengths: [Int](repeating: tokens, count: count), configuration,
      source: "\(number) of \(tokens) tokens")
  }

  /// Plans for sequences whose lengths alone are known.
  private init(lengths: [Int], _ configuration: RunConfiguration, source: String) {
    let longest = lengths.max() ?? 1
    let tokens = configuration.batchSize * longest
    let targets = configuration.lossOnAll ? tokens : 2 * configuration.batchSize
    self.init(
      lengths, configuration,
      training: ActivationPlan(
        tokens: tokens, sequence: longest, targets: targets, keepsForBackward: true,
        checkpointing: configuration.checkpointing),
      scoring: ActivationPlan(
        tokens: longest, sequence: longest, targets: longest, keepsForBackward: false),
      source: source)
  }

  private init(
    _ lengths: [Int], _ configuration: RunConfiguration, training: ActivationPlan,
    scoring: ActivationPlan, source: String
  ) {
    let plan = TrainingPlan(
      exampleCount: lengths.count, batchSize: configuration.batchSize,
      accumulation: configuration.accumulation, epochs: configuration.epochs,
      maximumSteps: configuration.maximumSteps, seed: configuration.seed,
      shuffles: configuration.shuffles)
    let steps = (1...min(plan.totalSteps, Self.sampledSteps)).map { step in
      plan.window(ofStep: step).microBatches.map { $0.reduce(0) { $0 + lengths[$1] } }
    }
    self.init(
      steps: steps, totalSteps: plan.totalSteps, training: training, scoring: scoring,
      source: source)
  }

  private static func range(_ lengths: [Int]) -> String {
    "\(lengths.min() ?? 0) to \(lengths.max() ?? 0)"
  }
}
