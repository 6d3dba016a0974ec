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
    guard !validation.isEmpty else { return }
    job.enter(.evaluation)
    let loss = try evaluator.meanLoss(validation, adapter: trainer.parameters, over: job.ranks)
    state.validatedStep = state.step
    let epoch = data.plan.epochs(afterStep: state.step)
    let isBest = loss < state.bestLoss
    job.note(
      display.table.validation(step: state.step, epoch: epoch, loss: loss, isBest: isBest),
      event: [
        "event": .string("validation"), "step": .integer(state.step), "epoch": .double(epoch),
        "eval_loss": .double(loss),
      ])
    if isBest {
      state.bestLoss = loss
      state.bestStep = state.step
    }
    try append(
      .object([
        "step": .integer(state.step), "epoch": .double(epoch), "eval_loss": .double(loss),
      ]), job)
  }

  private mutating func append(
    _ line: JSONValue, seconds: Double? = nil, _ job: borrowing Job
  ) throws {
    state.history.append(line.text())
    lineSeconds.append(seconds)
    try job.onRoot { try folder.write(metricsText, to: "metrics.jsonl") }
  }

  /// Adds a line to step_times.jsonl: where the root's time went since the last one.
  private mutating func writeTimes(_ seconds: Double, _ job: borrowing Job) throws {
    var line: JSONObject = ["step": .integer(state.step), "seconds": .double(seconds)]
    for (name, seconds) in times.named { line[name] = .double(seconds) }
    times = StepTimes()
    try job.onRoot {
      let earlier = folder.lines(of: "step_times.jsonl")
      let text = (earlier + [JSONValue.object(line).text()]).map { $0 + "\n" }.joined()
      try folder.write(text, to: "step_times.jsonl")
    }
  }

  /// metrics.jsonl: the history, which depends on the run alone, with the times of this run.
  private var metricsText: String {
    zip(state.history, lineSeconds).map { line, seconds in
      guard let seconds else { return line + "\n" }
      return line.dropLast() + ", \"seconds\": \(JSONValue.double(seconds).text())}\n"
    }.joined()
  }

  /// Takes the times of a resumed run's lines from the file that an earlier part has left, where it has.
  mutating func recoverTimes() {
    let lines = folder.lines(of: "metrics.jsonl")
    lineSeconds = state.history.indices.map { index in
      guard index < lines.count, lines[index].hasPrefix(state.history[index].dropLast()) else {
        return nil
      }
      do { return try JSONParser.parse(lines[index])["seconds"]?.doubleValue } catch { return nil }
    }
  }

  /// The keys that readers of transformers' runs know.
  func trainerState() throws -> JSONValue {
    .object([
      "epoch": .double(data.plan.epochs(afterStep: state.step)),
      "global_step": .integer(state.step),
      "max_steps": .integer(data.plan.totalSteps),
      "num_train_epochs": .double(inputs.configuration.epochs),
      "best_metric": state.bestStep > 0 ? .double(state.bestLoss) : .null,
      "best_model_checkpoint": state.bestStep > 0
        ? .string(folder.checkpoints.path(ofStep: state.bestStep)) : .null,
      "log_history": .array(try state.history.map { try JSONParser.parse($0) }),
    ])
  }
}

extension ContinuousClock.Instant {
  /// Seconds since this instant.
  package var secondsToNow: Double {
    let elapsed = self.duration(to: .now).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
  }
}
