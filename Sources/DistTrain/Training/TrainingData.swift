package import Collective

/// The micro-batches of every step, made from the configuration alone.
package struct TrainingData<Inputs: TrainingInputs> {
  private let inputs: Inputs
  package let plan: TrainingPlan
  private var epoch = -1
  private var examples: [Inputs.Example] = []
  /// The order of the examples in `orderedEpoch`.
  private var order: [Int] = []
  private var orderedEpoch = -1
  /// The windows of some steps from `firstStep` on.
  private var windows: [TrainingWindow<Inputs.Model>] = []
  private var firstStep = 0
  /// Tokens of the windows that are made at a time.
  private let tokensAhead = 1 << 18

  package init(_ inputs: Inputs) {
    let configuration = inputs.configuration
    self.inputs = inputs
    plan = TrainingPlan(
      exampleCount: inputs.trainingQuestions.count, batchSize: configuration.batchSize,
      accumulation: configuration.accumulation, epochs: configuration.epochs,
      maximumSteps: configuration.maximumSteps, seed: configuration.seed,
      shuffles: configuration.shuffles)
  }

  /// One optimizer step's work on one of `ranks`; that of the steps after it in the epoch is made at the same time, so that
  /// nothing is made between them.
  package mutating func window(
    ofStep step: Int, _ learner: Inputs.Model, over ranks: Communicator
  ) throws -> TrainingWindow<Inputs.Model> {
    if !(firstStep..<firstStep + windows.count).contains(step) {
      (windows, firstStep) = ([], step)
      let end = (plan.epoch(ofStep: step) + 1) * plan.windowsPerEpoch
      var tokens = 0
      for step in step...end where tokens < tokensAhead {
        let (batches, first) = try microBatches(ofStep: step)
        let window = TrainingWindow(
          batches, first: first, divisor: batches.reduce(0) { $0 + inputs.normalization($1) },
          learner, rank: ranks.rank, worldSize: ranks.worldSize)
        tokens += window.tokens
        windows.append(window)
      }
    }
    return windows[step - firstStep]
  }

  /// One optimizer step's micro-batches and the number of the first one in the run.
  package mutating func microBatches(
    ofStep step: Int
  ) throws -> (batches: [Inputs.Model.Batch], first: Int) {
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

  /// What the largest pass of the run needs on one of `ranks` ranks.
  package mutating func activationPlan(ranks: Int) throws -> Inputs.Model.Plan {
    // With one example each, every epoch has the micro-batches of the first.
    let repeats =
      !inputs.changesWithEpoch && (self.plan.batchSize == 1 || !self.plan.shuffles)
    let steps = repeats ? self.plan.windowsPerEpoch : self.plan.totalSteps
    var plan = inputs.plan([])
    for step in stride(from: 1, through: steps, by: 1) {
      let window = window(ofStep: step)
      try prepare(epoch: window.epoch)
      for positions in window.microBatches {
        plan = plan.union(inputs.plan(positions.map { examples[$0] }))
      }
    }
    return self.plan.accumulation > ranks ? try inputs.joining(plan) : plan
  }

  /// The examples of the first epoch, in the order of the split.
  package mutating func firstEpoch() throws -> [Inputs.Example] {
    try prepare(epoch: 0)
    return examples
  }

  private mutating func prepare(epoch: Int) throws {
    guard examples.isEmpty || (inputs.changesWithEpoch && self.epoch != epoch) else { return }
    examples = try inputs.examples(inputs.trainingQuestions, epoch: epoch)
    self.epoch = epoch
  }
}
