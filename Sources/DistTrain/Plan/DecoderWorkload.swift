internal import Model

/// What a run with a decoder computes, and what its passes need.
struct DecoderWorkload {
  let workload: Workload
  /// What the largest training micro-batch and the largest scored one need.
  let training: ActivationPlan, scoring: ActivationPlan
  /// Bytes of English text per token of Qwen's and SmolLM's vocabularies, on the low side.
  private static let bytesPerToken = 4

  /// The data's own token counts.
  init(_ inputs: RunInputs, _ sizes: ModelSizes, ranks: Int) throws {
    let lengths = try inputs.examples(inputs.split.train, epoch: 0).map(\.tokens.count)
    var data = TrainingData(inputs)
    training = try data.activationPlan(ranks: ranks)
    scoring = try Evaluator.plan(
      inputs.scoring, fitting: HeldOutQuestions(inputs).all,
      texts: inputs.examples(inputs.split.validation, epoch: nil).map { inputs.microBatch([$0]) })
    workload = Workload(
      lengths: lengths, inputs.configuration,
      tokensPerPass: sizes.tokensPerPass(inputs.configuration),
      source: "\(lengths.count) sequences, \(Workload.range(lengths)) tokens")
  }

  /// The data's texts, with a token for every four bytes of them.
  init(
    estimating configuration: RunConfiguration, dataset: Dataset, split: Split, _ sizes: ModelSizes,
    ranks: Int
  ) {
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
    let range = Workload.range(lengths)
    self.init(
      lengths: lengths, configuration, sizes, ranks: ranks,
      source: "\(lengths.count) sequences, about \(range) tokens (no tokenizer here)")
  }

  /// Sequences that all have `tokens` tokens; one window of them where their number is not known.
  init(
    tokens: Int, sequences: Int?, _ configuration: RunConfiguration, _ sizes: ModelSizes, ranks: Int
  ) {
    let count = sequences ?? configuration.batchSize * configuration.accumulation
    let number = sequences.map { "\($0) sequences" } ?? "sequences"
    self.init(
      lengths: [Int](repeating: tokens, count: count), configuration, sizes, ranks: ranks,
      source: "\(number) of \(tokens) tokens")
  }

  /// Plans for sequences whose lengths alone are known.
  private init(
    lengths: [Int], _ configuration: RunConfiguration, _ sizes: ModelSizes, ranks: Int,
    source: String
  ) {
    let longest = lengths.max() ?? 1
    let tokens = configuration.batchSize * longest
    let targets = configuration.lossOnAll ? tokens : 2 * configuration.batchSize
    let largest = ActivationPlan(
      tokens: tokens, sequence: longest, targets: targets, keepsForBackward: true,
      checkpointing: configuration.checkpointing)
    training =
      configuration.accumulation > ranks ? sizes.joining(largest, configuration) : largest
    scoring = ActivationPlan(
      tokens: longest, sequence: longest, targets: longest, keepsForBackward: false)
    workload = Workload(
      lengths: lengths, configuration, tokensPerPass: sizes.tokensPerPass(configuration),
      source: source)
  }
}
