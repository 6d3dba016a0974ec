internal import Checkpoints
internal import Collective
internal import Foundation
internal import Logging
internal import Model

extension TrainingRun {
  /// One line of the table and of metrics.jsonl, over the steps since the last one.
  mutating func log(_ metrics: StepMetrics, _ job: borrowing Job) throws {
    let seconds = lastLog.secondsToNow
    lastLog = .now
    let row = row(metrics, seconds: seconds)
    let line: JSONObject = [
      "step": .integer(row.step), "epoch": .double(row.epoch), "loss": .double(row.loss),
      "grad_norm": .double(row.gradientNorm), "learning_rate": .double(row.learningRate),
      "tokens": .integer(state.tokens),
    ]
    job.note(display.table.line(row), event: event("step", row))
    state.lossSum = 0
    state.updates = 0
    state.tokens = 0
    try append(.object(line), seconds: seconds, job)
    try writeTimes(seconds, job)
  }

  /// The validation loss, in the table and in metrics.jsonl.
  mutating func validate(_ job: borrowing Job) throws {
    guard !validationItems.isEmpty else { return }
    job.enter(.evaluation)
    let (loss, scored) = try trainer.learner.validation(
      validationItems, validation, parameters: trainer.parameters, over: job.ranks)
    let result = try EvaluationResult(validationItems, scored, typeNames: inputs.dataset.typeNames)
    let accuracy = result.overall.share
    let epoch = data.plan.epochs(afterStep: state.step)
    let metric = inputs.configuration.bestMetric
    state.validated(metric == .loss ? loss : accuracy, by: metric)
    job.note(
      display.table.validation(
        step: state.step, epoch: epoch, loss: loss, tally: result.overall,
        isBest: state.bestStep == state.step),
      event: [
        "event": .string("validation"), "step": .integer(state.step), "epoch": .double(epoch),
        "eval_loss": .double(loss), "eval_accuracy": .double(accuracy),
      ])
    try append(
      .object([
        "step": .integer(state.step), "epoch": .double(epoch), "eval_loss": .double(loss),
        "eval_accuracy": .double(accuracy),
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
