internal import Checkpoints
internal import Collective
internal import Foundation
internal import Model

/// The train command: from the inputs to the held-out score, with all files of the run.
package struct TrainingRun: ~Copyable {
  let inputs: RunInputs
  let folder: RunFolder
  var data: TrainingData
  var state = TrainingState()
  var trainer: Trainer
  let evaluator: Evaluator
  let items: [ScoringItem]
  let validation: [MicroBatch]
  let provenance: Provenance
  /// The seconds of each line of the history, where it has any; unlike the history no part of a checkpoint.
  var lineSeconds: [Double?] = []
  /// When the last line of the log was written.
  var lastLog = ContinuousClock.now
  /// Where the root's time went since then.
  var times = StepTimes()
  var display: TrainingDisplay
  /// What the largest training micro-batch needs.
  let activationPlan: ActivationPlan
  /// Bytes that this process had to itself, and that were free, before the model was loaded.
  let programMemory: Int, freeMemory: Int

  /// Trains as `configuration` says and returns the held-out result.
  @discardableResult
  package static func run(
    _ configuration: RunConfiguration, _ job: borrowing Job
  ) throws -> EvaluationResult {
    configuration.precision.setThreadCount(configuration.threadsPerRank)
    var run = try TrainingRun(configuration, job)
    try run.compareRanks(job)
    let lock = try run.lockFolder(job)
    defer { withExtendedLifetime(lock) {} }
    try run.prepareFolder(job)
    try run.announce(job)
    if configuration.resumeFrom != nil { try run.resume(job) }
    try run.train(job)
    return try run.finish(job)
  }

  /// Reads and checks every input; nothing is written yet.
  init(_ configuration: RunConfiguration, _ job: borrowing Job) throws {
    job.enter(.load)
    if job.ranks.isRoot { WorkProgress.showLoading() }
    let inputs = try job.load { try RunInputs(configuration) }
    var data = TrainingData(inputs)
    let plan = try job.load { try data.activationPlan() }
    let items = try job.load {
      try inputs.questions(inputs.split.heldOut).map { try ScoringItem($0, inputs) }
    }
    let validation = try job.load {
      try inputs.examples(inputs.split.validation, epoch: nil).map { inputs.microBatch([$0]) }
    }
    let scored = items.map(\.batch) + validation
    let longest = scored.flatMap { $0.sequences.map(\.count) }.max() ?? 1
    let memory = (own: HostMemory.own, free: HostMemory.available)
    let model = try job.load {
      try inputs.loadModel(
        longest: max(longest, plan.sequence), prefetches: job.ranks.localRank == 0)
    }
    let start = try job.load { try inputs.adapter?.parameters(inputs.layout) }
    let digests = try Self.digests(inputs, job)
    trainer = Trainer(inputs, model, plan, start: start, totalSteps: data.plan.totalSteps)
    evaluator = Evaluator(model, fitting: scored)
    folder = RunFolder(configuration.outputPath)
    display = TrainingDisplay(totalSteps: data.plan.totalSteps)
    activationPlan = plan
    (programMemory, freeMemory) = (memory.own, memory.free)
    self.inputs = inputs
    self.data = data
    self.items = items
    self.validation = validation
    provenance = Provenance(inputs, digests)
  }

  /// The digests of the inputs, which one rank of each host reads for the others.
  private static func digests(
    _ inputs: RunInputs, _ job: borrowing Job
  ) throws -> InputDigests {
    let own = try job.load {
      job.ranks.localRank == 0 ? try InputDigests(inputs).bytes : []
    }
    return InputDigests(bytes: try job.ranks.onePerHost(own))
  }

  /// Throws on all ranks unless they are about to do the same.
  private func compareRanks(_ job: borrowing Job) throws {
    try job.together {
      try job.ranks.shakeHands(provenance.handshakeFields(start: trainer.parameters))
    }
  }

  /// Keeps other jobs out of the run's folder, which is made if need be; the root's alone.
  func lockFolder(_ job: borrowing Job) throws -> RunLock? {
    try job.together {
      guard job.ranks.isRoot else { return nil }
      try folder.make()
      return try RunLock(folder: folder.path)
    }
  }

  /// Makes the run's folder with what is known before the first step, and opens the logs.
  func prepareFolder(_ job: borrowing Job) throws {
    let configuration = inputs.configuration
    let hosts = try job.ranks.gather(Array(job.ranks.hostName.utf8))
    try job.onRoot {
      try folder.prepare(
        resumes: configuration.resumeFrom != nil, overwrites: configuration.overwritesOutput)
      try folder.checkpoints.prepare()
      try folder.write(configuration.yaml, to: "config.yaml")
      let names = (hosts ?? []).map { String(decoding: $0, as: UTF8.self) }
      let environment = provenance.environment(hosts: names)
      try folder.write(environment.text(indent: 2) + "\n", to: "env.json")
      let split = inputs.split.json(source: configuration.split, seed: configuration.seed)
      try folder.write(split.text() + "\n", to: "test_split.json")
    }
    try job.openLogs(in: folder.path + "/logs")
  }

  mutating func train(_ job: borrowing Job) throws {
    let configuration = inputs.configuration
    lastLog = .now
    job.note("\n" + display.table.header, event: [:])
    showStart(job)
    display.begin()
    // A run that was stopped in its validation has still to do it, and its checkpoint does not know of it.
    let validatedStep = state.validatedStep
    try validateIfDue(job)
    if state.validatedStep > validatedStep {
      try save(job, isEnd: state.step == data.plan.totalSteps)
    }
    while state.step < data.plan.totalSteps {
      let step = state.step + 1
      job.enter(.step, step: step)
      let (batches, first) = try data.microBatches(ofStep: step)
      let divisor = batches.reduce(0) { $0 + inputs.normalization($1) }
      let metrics = try trainer.step(
        batches, first: first, step: step, divisor: divisor, over: job.ranks)
      state.count(metrics, step: step)
      times += metrics.times
      display.count(tokens: metrics.tokens)
      let isLast = step == data.plan.totalSteps
      if step % configuration.loggingSteps == 0 || isLast { try log(metrics, job) }
      try validateIfDue(job)
      if configuration.desyncCheckSteps > 0, step % configuration.desyncCheckSteps == 0 {
        try compareAdapters(job)
      }
      let isDue = configuration.saveSteps > 0 && step % configuration.saveSteps == 0
      let isBest = state.bestStep == step
      let isEnd = isLast || metrics.isAskedToStop
      if isEnd || isDue || isBest { try save(job, isEnd: isEnd) }
      if metrics.isAskedToStop { try stop(job) }
      showProgress(metrics, job)
    }
  }

  private mutating func validateIfDue(_ job: borrowing Job) throws {
    let steps = inputs.configuration.evaluationSteps
    guard steps > 0, state.step > 0, state.step % steps == 0, state.validatedStep < state.step
    else { return }
    do { try validate(job) } catch is StopRequested {
      try save(job)
      try stop(job)
    }
  }

  /// Ends all ranks in good order after a checkpoint.
  private func stop(_ job: borrowing Job) throws -> Never {
    job.note(
      "stopped by a signal after step \(state.step), checkpoint written; continue with"
        + " resume_from_checkpoint=auto")
    throw ReportedFailure(exitCode: CommandFailure.stopped)
  }

  /// The held-out score; the last step's checkpoint is written, so that a stop loses nothing.
  private func score(_ job: borrowing Job) throws -> EvaluationResult {
    do {
      return try EvaluationRun.evaluate(
        items, inputs, evaluator, trainer.parameters, over: job.ranks)
    } catch is StopRequested { try stop(job) }
  }

  private func finish(_ job: borrowing Job) throws -> EvaluationResult {
    job.enter(.evaluation)
    let result = try score(job)
    let parameters = trainer.parameters.array()
    job.enter(.finish)
    try job.onRoot {
      try folder.writeAdapter(
        parameters, trainer.layout, baseModel: inputs.configuration.modelName)
      try EvaluationRun.write(result, inputs, to: folder)
      try folder.write(trainerState().text(indent: 2) + "\n", to: "trainer_state.json")
      Console.note("")
      Console.result(result.summary("held out"))
      EvaluationRun.warn(inputs, job)
      job.note("adapter    \(folder.adapter) (PEFT)\nresults    \(folder.path)/results.json")
    }
    return result
  }
}
