package import Model

/// Everything a run reads before its first step: data, split, tokenizer, sizes; the same on every rank.
package struct RunInputs: Sendable {
  package let configuration: RunConfiguration
  package let dataset: Dataset
  package let split: Split
  package let base: ModelFolder
  package let layout: AdapterLayout
  /// The PEFT folder to start from or to evaluate.
  package let adapter: AdapterFolder?

  /// Reads and checks all inputs but the weights.
  package init(_ configuration: RunConfiguration) throws {
    self.configuration = configuration
    dataset = try Dataset(path: configuration.datasetPath)
    split = try Self.split(configuration, count: dataset.questions.count)
    base = try ModelFolder(
      configuration.modelPath, named: configuration.modelName,
      template: configuration.promptTemplate)
    var lora = configuration.lora
    if let folder = configuration.initialAdapter {
      let adapter = try AdapterFolder(path: folder)
      lora = try Self.merged(lora, adapter, configuration)
      self.adapter = adapter
    } else {
      adapter = nil
    }
    layout = AdapterLayout(base.sizes, lora)
  }

  package var model: QwenConfiguration { base.sizes }
  package var tokenizer: Tokenizer { base.tokenizer }
  package var chatTemplate: ChatTemplate { base.chatTemplate }

  /// How questions are scored.
  package var scoring: ScoringFormat {
    ScoringFormat(
      base: base, rule: configuration.score, template: configuration.promptTemplate,
      order: configuration.optionOrder, seed: configuration.seed,
      maximumLength: configuration.maximumLength, maximumNewTokens: configuration.maximumNewTokens)
  }

  static func split(_ configuration: RunConfiguration, count: Int) throws -> Split {
    switch configuration.split {
    case "ratio":
      try Split.ratios(
        count, train: configuration.trainRatio, validation: configuration.validationRatio,
        seed: configuration.seed)
    case "seed": try Split.seed(count)
    case let fold where fold.hasPrefix(Fold.prefix):
      try Fold(fold).split(
        count: count, train: configuration.trainRatio, validation: configuration.validationRatio,
        seed: configuration.seed)
    default:
      try Split.file(
        configuration.split, count: count, train: configuration.trainRatio,
        validation: configuration.validationRatio, seed: configuration.seed)
    }
  }

  /// The adapter's shape comes from its folder; settings that were given and say otherwise are a fault.
  private static func merged(
    _ lora: LoRAConfiguration, _ adapter: AdapterFolder, _ configuration: RunConfiguration
  ) throws -> LoRAConfiguration {
    let given = adapter.configuration
    let pairs: [(String, Bool)] = [
      ("lora_r", lora.rank == given.rank), ("lora_alpha", lora.alpha == given.alpha),
      ("lora_target_modules", lora.targets == given.targets),
    ]
    for (name, isSame) in pairs where !isSame {
      let source = configuration.values[name]?.source ?? "default"
      guard source == "default" else {
        throw ConfigurationError([
          "\(source): \(name) is not that of the adapter in \(adapter.path); leave it out"
        ])
      }
    }
    return LoRAConfiguration(
      rank: given.rank, alpha: given.alpha, dropout: lora.dropout, targets: given.targets)
  }

  /// The training text of questions in tokens; `epoch` is nil outside of training.
  package func examples(_ indices: [Int], epoch: Int?) throws -> [TokenizedExample] {
    let template = configuration.promptTemplate
    return try questions(indices).map { question in
      let order = configuration.optionOrder.order(
        of: question, seed: configuration.seed, epoch: epoch)
      let position = order.firstIndex(of: question.answerIndex) ?? 0
      return try TokenizedExample(
        prompt: template.prompt(question, order: order, chat: chatTemplate),
        answer: template.answer(question, order: order, position: position, chat: chatTemplate),
        maximumLength: configuration.maximumLength, question: question.index,
        encode: tokenizer.encode)
    }
  }

  /// Examples packed into one micro-batch, with their targets.
  package func microBatch(_ examples: [TokenizedExample]) -> MicroBatch {
    var batch = MicroBatch()
    for example in examples {
      batch.append(example.tokens, targetsFrom: firstTarget(example))
    }
    return batch
  }

  private func firstTarget(_ example: TokenizedExample) -> Int {
    configuration.lossOnAll ? 1 : max(1, example.promptTokenCount)
  }

  /// Targets of an example in training.
  package func targetCount(_ example: TokenizedExample) -> Int {
    example.tokens.count - firstTarget(example)
  }

  /// What the loss of a micro-batch is divided by, summed over the window.
  package func normalization(_ batch: MicroBatch) -> Int {
    configuration.countsLabels && configuration.lossOnAll
      ? batch.tokens.count : batch.targetRows.count
  }

  /// Maps the weights; `longest` is the longest sequence that will be computed.
  ///
  /// - Parameter prefetches: For one rank of each host.
  package func loadModel(longest: Int, prefetches: Bool) throws -> QwenModel {
    try base.load(
      layout, longest: longest, precision: configuration.precision, prefetches: prefetches)
  }
}
