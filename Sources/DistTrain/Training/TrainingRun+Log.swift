internal import Checkpoints
internal import Collective
internal import Foundation
internal import Logging
internal import Model

extension TrainingRun {
  /// Says what is about to be trained, on what, and how.
  mutating func announce(_ job: borrowing Job) throws {
    let truncated = try data.truncatedCount()
    let configuration = inputs.configuration
    let total = inputs.model.parameterCount + inputs.layout.count
    let share = Console.fixed(100 * Double(inputs.layout.count) / Double(total), 3)
    let (ranks, threads) = (job.ranks.worldSize, configuration.threadsPerRank)
    let lines = [
      "model      \(configuration.modelPath) (\(inputs.model.architecture.rawValue))",
      "trainable  \(Console.grouped(inputs.layout.count)) of \(Console.grouped(total)) (\(share) %)",
      "data       \(inputs.split.train.count) train, \(inputs.split.validation.count) validation,"
        + " \(inputs.split.heldOut.count) held out; \(truncated) truncated to \(configuration.maximumLength)",
      "batch      \(configuration.batchSize) x \(configuration.accumulation) sequences per step,"
        + " \(data.plan.totalSteps) steps",
      "compute    \(ranks) rank\(ranks == 1 ? "" : "s") x \(threads) thread\(threads == 1 ? "" : "s"),"
        + " \(configuration.precision.rawValue), \(configuration.precision.productKernels)",
    ]
    for line in lines { job.note(line) }
    let faults = try ThreadPlacement.faults(threadsPerRank: threads, over: job.ranks)
    for fault in faults { job.log.warning("\(fault)") }
    if job.ranks.isRoot {
      let audit = LeakAudit(inputs)
      job.note("audit      \(audit.summary)")
      for warning in audit.warnings { job.log.warning("\(warning)") }
    }
    job.note("\n  step   epoch      loss  grad norm  learning rate  tokens/s")
  }

  /// One line of the table and of metrics.jsonl, over the steps since the last one.
  mutating func log(_ metrics: StepMetrics, _ job: borrowing Job) throws {
    let seconds = lastLog.secondsToNow
    lastLog = .now
    let loss = state.lossSum / Double(state.updates)
    let epoch = data.plan.epochs(afterStep: state.step)
    let line: JSONObject = [
      "step": .integer(state.step), "epoch": .double(epoch), "loss": .double(loss),
      "grad_norm": .double(metrics.gradientNorm), "learning_rate": .double(metrics.learningRate),
      "tokens": .integer(state.tokens),
    ]
    let columns = [
      (String(state.step), 6), (Console.fixed(epoch, 2), 8), (Console.fixed(loss, 4), 10),
      (Console.fixed(metrics.gradientNorm, 3), 11),
      (String(format: "%.3e", metrics.learningRate), 15),
      (Console.fixed(Double(state.tokens) / max(seconds, 1e-9), 0), 10),
    ]
    job.note(columns.map { Console.padded($0.0, $0.1) }.joined())
    state.lossSum = 0
    state.updates = 0
    state.tokens = 0
    try append(.object(line), seconds: seconds, job)
    try writeTimes(seconds, job)
  }

  /// The validation loss, in the table and in metrics.jsonl.
  mutating func validate(_ job: borrowing Job) throws {
    guard !validation.isEmpty else { return }
    job.enter(.evaluation)
    let loss = try evaluator.meanLoss(validation, adapter: trainer.parameters, over: job.ranks)
    let scored = try evaluator.scores(
      validationItems, adapter: trainer.parameters, over: job.ranks)
    let result = try EvaluationResult(validationItems, scored, typeNames: inputs.dataset.typeNames)
    let accuracy = result.overall.share
    job.note(
      Console.padded("validation loss \(Console.fixed(loss, 4))", 34)
        + ", accuracy \(Console.fixed(100 * accuracy, 1)) % of \(result.overall.total)")
    let metric = inputs.configuration.bestMetric
    state.validated(metric == .loss ? loss : accuracy, by: metric)
    try append(
      .object([
        "step": .integer(state.step), "epoch": .double(data.plan.epochs(afterStep: state.step)),
        "eval_loss": .double(loss), "eval_accuracy": .double(accuracy),
      ]), job)
  }
}

extension ContinuousClock.Instant {
  /// Seconds since this instant.
  package var secondsToNow: Double {
    let elapsed = self.duration(to: .now).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
  }
}
