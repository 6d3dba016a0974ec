internal import Collective
internal import Logging
internal import Model

extension TrainingRun {
  /// Says what is about to be trained, on what, and how.
  ///
  /// Communication: the host names.
  mutating func announce(_ job: borrowing Job) throws {
    let configuration = inputs.configuration
    let examples = try data.firstEpoch()
    let hosts = try job.ranks.allGather(Array(job.ranks.hostName.utf8)).map {
      String(decoding: $0, as: UTF8.self)
    }
    try job.onRoot {
      let memory = try inputs.memory(
        training: activationPlan, scoring: trainer.learner.scoringPlan, program: programMemory)
      let perHost = Dictionary(grouping: hosts) { $0 }.values.map(\.count).max() ?? 1
      var screen = FirstScreen(Console.terminal)
      try inputs.addRows(to: &screen, examples)
      screen.add("audit", audit.summary)
      screen.addCompute(configuration, ranks: job.ranks.worldSize, hosts: hosts)
      screen.addWork(configuration, data.plan, ranks: job.ranks.worldSize)
      screen.addMemory(memory, ranksPerHost: perHost, available: freeMemory)
      screen.add("time", "told once the first steps are measured")
      screen.add("output", folder.path)
      job.note(
        (["disttrain \(DistTrain.version)", ""] + screen.lines).joined(separator: "\n"),
        event: startEvent(memory.perHost(ranks: perHost), hosts))
    }
    let faults = try ThreadPlacement.faults(
      threadsPerRank: configuration.threadsPerRank, over: job.ranks)
    for fault in faults { job.log.warning("\(fault)") }
    if job.ranks.isRoot {
      for warning in audit.warnings { job.log.warning("\(warning)") }
    }
  }

  /// What the first screen says, for programs.
  private func startEvent(_ memory: Int, _ hosts: [String]) -> JSONObject {
    [
      "event": .string("start"), "version": .string(DistTrain.version),
      "model": .string(inputs.configuration.modelPath),
      "parameters": .integer(inputs.baseParameterCount),
      "trainable": .integer(trainer.parameters.count), "train": .integer(inputs.split.train.count),
      "validation": .integer(inputs.split.validation.count),
      "held_out": .integer(inputs.split.heldOut.count), "ranks": .integer(hosts.count),
      "hosts": .integer(Set(hosts).count), "total_steps": .integer(data.plan.totalSteps),
      "memory_per_host": .integer(memory), "output_dir": .string(folder.path),
    ]
  }

  /// The live line before the first step, which may take long.
  func showStart(_ job: borrowing Job) {
    guard job.ranks.isRoot else { return }
    Console.progress(isLong: true) {
      ProgressLine(done: state.step, total: data.plan.totalSteps, elapsed: 0).text(
        columns: $0.currentColumns, isUnicode: $0.isUnicode)
    } line: {
      ("", [:])
    }
  }

  /// The live line after a step; where there is none, a line a minute.
  mutating func showProgress(_ metrics: StepMetrics, _ job: borrowing Job) {
    guard job.ranks.isRoot else { return }
    let row = row(metrics, seconds: lastLog.secondsToNow)
    if let time = display.expectedTime(after: state.step) {
      job.note(time, event: event("expected_time", row))
    }
    Console.progress(isLong: display.hasLongSteps) {
      display.line(step: row.step, loss: row.loss).text(
        columns: $0.currentColumns, isUnicode: $0.isUnicode)
    } line: {
      var table = display.table
      return (table.line(row), event("progress", row))
    }
  }

  /// What is known after a step; means are over the steps since the last line of the log, or of that line.
  func row(_ metrics: StepMetrics, seconds: Double) -> LogTable.Row {
    LogTable.Row(
      step: state.step, epoch: data.plan.epochs(afterStep: state.step),
      loss: state.updates > 0
        ? state.lossSum / Double(state.updates) : display.table.lastLoss ?? metrics.loss,
      gradientNorm: metrics.gradientNorm, learningRate: metrics.learningRate,
      tokensPerSecond: state.updates > 0
        ? Double(state.tokens) / max(seconds, 1e-9) : display.pace.tokensPerSecond ?? 0,
      remaining: display.remaining(after: state.step))
  }

  /// A row for programs.
  func event(_ name: String, _ row: LogTable.Row) -> JSONObject {
    var event: JSONObject = [
      "event": .string(name), "step": .integer(row.step),
      "total_steps": .integer(data.plan.totalSteps), "epoch": .double(row.epoch),
      "loss": .double(row.loss), "grad_norm": .double(row.gradientNorm),
      "learning_rate": .double(row.learningRate),
      "tokens_per_second": .double(row.tokensPerSecond),
    ]
    event["remaining_seconds"] = row.remaining.map(JSONValue.double)
    return event
  }
}
