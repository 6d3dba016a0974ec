package import Model

/// The micro-batches of every step, made from the configuration alone.
package struct TrainingData {
  private let inputs: RunInputs
  package let plan: TrainingPlan
  private var epoch = -1
  private var examples: [TokenizedExample] = []

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
    let window = plan.window(ofStep: step)
    try prepare(epoch: window.epoch)
    let batches = window.microBatches.map { positions in
      inputs.microBatch(positions.map { examples[$0] })
    }
    return (batches, window.firstMicroBatch)
  }

  /// What the largest micro-batch of the run needs.
  package mutating func activationPlan() throws -> ActivationPlan {
    let lengthsChange =
      inputs.configuration.shuffles || inputs.configuration.optionOrder == .reshuffled
    let steps = lengthsChange ? plan.totalSteps : min(plan.totalSteps, plan.windowsPerEpoch)
    var largest = ActivationPlan(fitting: [], keepsForBackward: true)
    for step in stride(from: 1, through: steps, by: 1) {
      let batches = try microBatches(ofStep: step).batches
      largest = largest.union(ActivationPlan(fitting: batches, keepsForBackward: true))
    }
    return largest
  }

  /// Examples of the first epoch that lost prompt tokens to the maximum length.
  package mutating func truncatedCount() throws -> Int {
    try prepare(epoch: 0)
    return examples.count { $0.truncatedTokenCount > 0 }
  }

  private mutating func prepare(epoch: Int) throws {
    let changes = inputs.configuration.optionOrder == .reshuffled
    guard examples.isEmpty || (changes && self.epoch != epoch) else { return }
    examples = try inputs.examples(inputs.split.train, epoch: epoch)
    self.epoch = epoch
  }
}
