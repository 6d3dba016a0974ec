internal import Checkpoints
internal import Collective
internal import Foundation
internal import Model

/// The train command: from the inputs to the held-out score, with all files of the run.
package struct TrainingRun<Inputs: TrainingInputs>: ~Copyable {
  let inputs: Inputs
  let folder: RunFolder
  var data: TrainingData<Inputs>
  var state = TrainingState()
  var trainer: Trainer<Inputs.Model>
  let questions: HeldOutQuestions
  let validation: [Inputs.Model.Batch]
  let validationItems: [ScoringItem]
  let provenance: Provenance
  let audit: LeakAudit
  /// The seconds of each line of the history, where it has any; unlike the history no part of a checkpoint.
  var lineSeconds: [Double?] = []
  /// The lines of the history.
  var lines: [JSONValue] = []
  /// What TensorBoard reads, where it is wanted; the root's alone.
  var events: EventFile?
  /// When the last line of the log was written.
  var lastLog = ContinuousClock.now
  /// Where the root's time went since then.
  var times = StepTimes()
  var display: TrainingDisplay
  /// What the largest training micro-batch needs.
  let activationPlan: Inputs.Model.Plan
  /// Bytes that this process had to itself, and that were free, before the model was loaded.
  let programMemory: Int, freeMemory: Int

  /// Trains as `configuration` says and returns the held-out result.
  @discardableResult
  package static func run(
    _ configuration: RunConfiguration, _ job: borrowing Job
  ) throws -> HeldOutScore {
    configuration.precision.setThreadCount(configuration.threadsPerRank)
    var run = try TrainingRun(configuration, job)
    try run.compareRanks(job)
    let lock = try run.lockFolder(job)
    defer { withExtendedLifetime(lock) {} }
    try run.prepareFolder(job)
    try run.announce(job)
    if configuration.resumeFrom != nil { try run.resume(job) }
    try run.openEvents(job)
    try run.train(job)
    return try run.finish(job)
  }

  /// Reads and checks every input; nothing is written yet.
  init(_ configuration: RunConfiguration, _ job: borrowing Job) throws {
    job.enter(.load)
    if job.ranks.isRoot { WorkProgress.showLoading() }
    let inputs = try job.load { try Inputs(configuration) }
    var data = TrainingData(inputs)
    let plan = try job.load { try data.activationPlan(ranks: job.ranks.worldSize) }
    let audit = try job.load { try Self.audit(inputs) }
    let questions = try job.load { try HeldOutQuestions(inputs) }
    let validationItems = try job.load {
      try inputs.questions(inputs.split.validation).map {
        try inputs.scoringItem($0, hidesQuestion: false)
      }
    }
    let validation = try job.load { try inputs.validationTexts() }
    let memory = (own: HostMemory.own, free: HostMemory.available)
    let learner = try job.load {
      try inputs.load(
        training: plan, scoring: questions.all + validationItems, texts: validation,
        prefetches: job.ranks.localRank == 0)
    }
    let start = try job.load { try learner.start() }
    let digests = try Self.digests(inputs, job)
    trainer = try Trainer(
      learner, start: start, configuration, totalSteps: data.plan.totalSteps, over: job.ranks)
    folder = RunFolder(configuration.outputPath)
    display = TrainingDisplay(totalSteps: data.plan.totalSteps)
    activationPlan = plan
    (programMemory, freeMemory) = (memory.own, memory.free)
    self.inputs = inputs
    self.data = data
    self.questions = questions
    self.validation = validation
    self.validationItems = validationItems
    provenance = Provenance(inputs, digests)
    self.audit = audit
  }

  /// Audits the data; throws where the audit must be clean and is not.
  private static func audit(_ inputs: Inputs) throws -> LeakAudit {
    let audit = LeakAudit(inputs)
    guard audit.warnings.isEmpty || !inputs.configuration.isAuditStrict else {
      throw CommandFailure(
        "strict_audit: nothing was trained.\n" + audit.warnings.joined(separator: "\n"),
        exitCode: 65)
    }
    return audit
  }

  /// The digests of the inputs, which one rank of each host reads for the others.
  private static func digests(
    _ inputs: Inputs, _ job: borrowing Job
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
      try folder.write(audit.json.text(indent: 2) + "\n", to: "audit.json")
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
    while state.step < data.plan.totalSteps, !isStoppedEarly {
      let step = state.step + 1
      job.enter(.step, step: step)
      let window = try data.window(ofStep: step, trainer.learner, over: job.ranks)
      let metrics = try trainer.step(window, step: step, over: job.ranks)
      state.count(metrics, step: step)
      times += metrics.times
      display.count(tokens: metrics.tokens)
      let isLast = step == data.plan.totalSteps
      if step % configuration.loggingSteps == 0 || isLast { try log(metrics, job) }
      try validateIfDue(job)
      if configuration.desyncCheckSteps > 0, step % configuration.desyncCheckSteps == 0 {
        try compareParameters(job)
      }
      let isDue = configuration.saveSteps > 0 && step % configuration.saveSteps == 0
      let isBest = state.bestStep == step
      let isEnd = isLast || isStoppedEarly || metrics.isAskedToStop
      if isEnd || isDue || isBest { try save(job, isEnd: isEnd) }
      if metrics.isAskedToStop { try stop(job) }
      showProgress(metrics, job)
    }
    if isStoppedEarly {
      job.note(
        "stopped early after step \(state.step): no better validation in \(state.worseCount), the best"
          + " after step \(state.bestStep)")
    }
  }

  /// Whether validations have been worse than the best for as long as the configuration allows.
  private var isStoppedEarly: Bool {
    let patience = inputs.configuration.patience
    return patience > 0 && state.worseCount >= patience
  }

  private mutating func validateIfDue(_ job: borrowing Job) throws {
    let steps = inputs.configuration.validationSteps(perEpoch: data.plan.windowsPerEpoch)
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
  private func score(_ job: borrowing Job) throws -> HeldOutScore {
    do {
      return try questions.score(
        inputs, trainer.learner, parameters: trainer.parameters, over: job.ranks
      ) { try trainer.learner.given(in: nil) }
    } catch is StopRequested { try stop(job) }
  }

  private mutating func finish(_ job: borrowing Job) throws -> HeldOutScore {
    job.enter(.evaluation)
    if inputs.configuration.loadsBest { try takeBest(job) }
    let score = try score(job)
    job.enter(.finish)
    try job.onRoot {
      try inputs.write(trainer.parameters, to: folder)
      try EvaluationRun.write(score, inputs, audit, to: folder)
      let report = try describe(score.result, job)
      job.note("")
      let name = Inputs.product.padding(toLength: 10, withPad: " ", startingAt: 0)
      EvaluationRun.show(score, audit, job)
      job.note(
        "\(name) \(folder.path)/\(Inputs.product) (\(Inputs.reader))\nresults    \(folder.path)/results.json"
      )
      if let report { job.note("report     \(report)") }
    }
    return score
  }
}
