internal import Checkpoints
internal import Collective
internal import Foundation
internal import Logging
internal import Model

/// The files that tell of a run: written by the root alone, at every line of the log and at the end.
extension TrainingRun {
  /// Takes up a line of the log; `seconds` is the time since the last one, where it counts steps.
  mutating func append(
    _ line: JSONValue, seconds: Double? = nil, _ job: borrowing Job
  ) throws {
    state.history.append(line.text())
    lines.append(line)
    lineSeconds.append(seconds)
    try job.onRoot {
      let metrics = MetricsLog.text(lines, seconds: lineSeconds, totalSteps: data.plan.totalSteps)
      try folder.write(metrics, to: "metrics.jsonl")
      try folder.write(trainerState().text(indent: 2) + "\n", to: "trainer_state.json")
      try events?.append(ScalarTags.scalars(line, seconds: seconds), step: state.step)
    }
  }

  /// Adds a line to step_times.jsonl: where the root's time went since the last one.
  mutating func writeTimes(_ seconds: Double, _ job: borrowing Job) throws {
    var line: JSONObject = ["step": .integer(state.step), "seconds": .double(seconds)]
    for (name, seconds) in times.named { line[name] = .double(seconds) }
    times = StepTimes()
    try job.onRoot {
      let earlier = folder.lines(of: "step_times.jsonl")
      let text = (earlier + [JSONValue.object(line).text()]).map { $0 + "\n" }.joined()
      try folder.write(text, to: "step_times.jsonl")
    }
  }

  /// Takes up a resumed run's lines, with their times from the file that an earlier part has left, where it has.
  mutating func recoverLog() throws {
    lines = try state.history.map { try JSONParser.parse($0) }
    let left = folder.lines(of: "metrics.jsonl")
    lineSeconds = state.history.indices.map { index in
      guard index < left.count, left[index].hasPrefix(state.history[index].dropLast()) else {
        return nil
      }
      do { return try JSONParser.parse(left[index])["seconds"]?.doubleValue } catch { return nil }
    }
  }

  /// Makes this part's event file. A resumed run's begins by taking back the step that it goes on after and all later
  /// ones, which files of earlier parts may hold, and gives that step again.
  mutating func openEvents(_ job: borrowing Job) throws {
    let wants = inputs.configuration.reportsToTensorBoard && job.ranks.isRoot
    events = try job.together {
      wants ? try EventFile(folder: folder.path + "/tensorboard", firstStep: state.step) : nil
    }
    try job.onRoot {
      for (line, seconds) in zip(lines, lineSeconds) where line["step"]?.intValue == state.step {
        try events?.append(ScalarTags.scalars(line, seconds: seconds), step: state.step)
      }
    }
  }

  /// trainer_state.json, with the keys that readers of transformers' runs know.
  private func trainerState() throws -> JSONValue {
    let configuration = inputs.configuration
    let hasBest = state.bestStep > 0
    let members: JSONObject = [
      "best_global_step": hasBest ? .integer(state.bestStep) : .null,
      "best_metric": state.bestValue.map { .double($0) } ?? .null,
      "best_model_checkpoint": hasBest
        ? .string(folder.checkpoints.path(ofStep: state.bestStep)) : .null,
      "epoch": .double(data.plan.epochs(afterStep: state.step)),
      "eval_steps": .integer(configuration.evaluationSteps),
      "global_step": .integer(state.step), "is_hyper_param_search": .bool(false),
      "is_local_process_zero": .bool(true), "is_world_process_zero": .bool(true),
      "log_history": .array(lines), "logging_steps": .integer(configuration.loggingSteps),
      "max_steps": .integer(data.plan.totalSteps),
      "num_input_tokens_seen": .integer(state.tokensSeen),
      "num_train_epochs": .double(configuration.epochs),
      "save_steps": .integer(configuration.saveSteps), "stateful_callbacks": .object([:]),
      "total_flos": .double(floatingPointOperations),
      "train_batch_size": .integer(configuration.batchSize), "trial_name": .null,
      "trial_params": .null,
    ]
    return JSONValue.object(members).withSortedKeys
  }

  /// Of all steps so far.
  private var floatingPointOperations: Double {
    inputs.operationsPerToken * Double(state.tokensSeen)
  }

  /// What describes the finished run: the product's card, TensorBoard's scores and the report, whose path it returns.
  ///
  /// A report that cannot be made is told and spoils nothing; the command makes it again.
  func describe(_ result: EvaluationResult, _ job: borrowing Job) throws -> String? {
    try folder.write(trainerState().text(indent: 2) + "\n", to: "trainer_state.json")
    try events?.append(ScalarTags.scalars(result), step: state.step)
    try folder.write(
      ModelCard(inputs.configuration, result).text, to: Inputs.product + "/README.md")
    do { return try Report.write([folder.path], to: folder.path) } catch {
      job.log.warning("no report: \(error); `disttrain report \(folder.path)` tries again")
      return nil
    }
  }
}
