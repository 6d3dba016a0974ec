package import Model

/// The micro-batches of every step, made from the configuration alone.
package struct TrainingData {
  private let inputs: RunInputs
  package let plan: TrainingPlan
  private var epoch = -1
  private var examples: [TokenizedExample] = []
  /// The order of the examples in `orderedEpoch`.
  private var order: [Int] = []
  private var orderedEpoch = -1

  package init(_ inputs: RunInputs) {
    let configuration = inputs.configuration
    self.inputs = inputs
    plan = TrainingPlan(
      exampleCount: inputs.split.train.count, batchSize: configuration.batchSize,
      accumulation: configuration.accumulation, epochs: configuration.epochs,
      maximumSteps: configuration.maximumSteps, seed: configuration.seed,
      shuffles: configuration.shuffles)
  }

  /// One optimizer step's micro-batches and the number of the first one in the run.
  package mutating func microBatches(
    ofStep step: Int
  ) throws -> (batches: [MicroBatch], first: Int) {
    let window = window(ofStep: step)
    try prepare(epoch: window.epoch)
    let batches = window.microBatches.map { positions in
      inputs.microBatch(positions.map { examples[$0] })
    }
    return (batches, window.firstMicroBatch)
  }

  /// The window of step `step`; the order of an epoch is made once.
  private mutating func window(ofStep step: Int) -> TrainingPlan.Window {
    let epoch = plan.epoch(ofStep: step)
    if epoch != orderedEpoch {
      order = plan.order(ofEpoch: epoch)
      orderedEpoch = epoch
    }
    return plan.window(ofStep: step, order: order)
  }

  /// What the largest micro-batch of the run needs.
  package mutating func activationPlan() throws -> ActivationPlan {
    let changes = inputs.configuration.optionOrder == .reshuffled
    let isWhole = plan.totalSteps >= plan.windowsPerEpoch
    // With one example each, every epoch has the micro-batches of the first.
    let repeats = !changes && (plan.batchSize == 1 && isWhole || !plan.shuffles)
    let steps = repeats ? min(plan.totalSteps, plan.windowsPerEpoch) : plan.totalSteps
    var (tokens, targets, longest) = (0, 0, 0)
    for step in stride(from: 1, through: steps, by: 1) {
      let window = window(ofStep: step)
      try prepare(epoch: window.epoch)
      for positions in window.microBatches {
        let batch = positions.map { examples[$0] }
        tokens = max(tokens, batch.reduce(0) { $0 + $1.tokens.count })
        targets = max(targets, batch.reduce(0) { $0 + inputs.targetCount($1) })
        longest = max(longest, batch.map(\.tokens.count).max() ?? 0)
      }
    }
    return ActivationPlan(
      tokens: tokens, sequence: longest, targets: targets, keepsForBackward: true,
      checkpointing: inputs.configuration.checkpointing)
  }

  /// The examples of the first epoch, in the order of the split.
  package mutating func firstEpoch() throws -> [TokenizedExample] {
    try prepare(epoch: 0)
    return examples
  }

  private mutating func prepare(epoch: Int) throws {
    let changes = inputs.configuration.optionOrder == .reshuffled
    guard examples.isEmpty || (changes && self.epoch != epoch) else { return }
    examples = try inputs.examples(inputs.split.train, epoch: epoch)
    self.epoch = epoch
  }
}
