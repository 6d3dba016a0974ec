internal import Collective
internal import Foundation
internal import Model

/// The train command: from the inputs to the held-out score, with all files of the run.
package struct TrainingRun: ~Copyable {
  private let inputs: RunInputs
  private let folder: RunFolder
  private var data: TrainingData
  private var state = TrainingState()
  private let validation: [MicroBatch]
  private var lastLog = ContinuousClock.now

  /// Trains as `configuration` says and returns the held-out result.
  @discardableResult
  package static func run(
    _ configuration: RunConfiguration, _ job: borrowing Job
  ) throws -> EvaluationResult {
    BLAS.setThreadCount(configuration.threadsPerRank)
    let folder = RunFolder(configuration.outputPath)
    let inputs = try job.together { try RunInputs(configuration) }
    var data = TrainingData(inputs)
    let plan = try job.together { try data.activationPlan() }
    let items = try job.together {
      try inputs.questions(inputs.split.heldOut).map { try ScoringItem($0, inputs) }
    }
    let validation = try job.together {
      try inputs.examples(inputs.split.validation, epoch: nil).map { inputs.microBatch([$0]) }
    }
    let scored = items.map(\.batch) + validation
    let longest = scored.flatMap { $0.sequences.map(\.count) }.max() ?? 1
    let model = try job.together { try inputs.loadModel(longest: max(longest, plan.sequence)) }
    let start = try job.together { try inputs.adapter?.parameters(inputs.layout) }
    var trainer = Trainer(inputs, model, plan, start: start, totalSteps: data.plan.totalSteps)
    let evaluator = Evaluator(model, fitting: scored)
    let resumes = configuration.resumeFrom != nil
    try job.onRoot {
      try folder.prepare(resumes: resumes, overwrites: configuration.overwritesOutput)
      try folder.checkpoints.prepare()
      try folder.write(configuration.yaml, to: "config.yaml")
      let split = inputs.split.json(source: configuration.split, seed: configuration.seed)
      try folder.write(split.text() + "\n", to: "test_split.json")
    }
    var run = TrainingRun(inputs: inputs, folder: folder, data: data, validation: validation)
    try run.announce(job, trainer)
    if resumes { try run.resume(&trainer, job) }
    try run.train(&trainer, evaluator, job)
    return try run.finish(trainer, evaluator, items, job)
  }

  private init(inputs: RunInputs, folder: RunFolder, data: TrainingData, validation: [MicroBatch]) {
    self.inputs = inputs
    self.folder = folder
    self.data = data
    self.validation = validation
  }

  // MARK: Start

  private mutating func announce(_ job: borrowing Job, _ trainer: borrowing Trainer) throws {
    let truncated = try data.truncatedCount()
    guard job.ranks.isRoot else { return }
    let configuration = inputs.configuration
    let total = inputs.model.parameterCount + inputs.layout.count
    let share = Console.fixed(100 * Double(inputs.layout.count) / Double(total), 3)
    let lines = [
      "model      \(configuration.modelPath) (\(inputs.model.architecture.rawValue))",
      "trainable  \(Console.grouped(inputs.layout.count)) of \(Console.grouped(total)) (\(share) %)",
      "data       \(inputs.split.train.count) train, \(inputs.split.validation.count) validation,"
        + " \(inputs.split.heldOut.count) held out; \(truncated) truncated to \(configuration.maximumLength)",
      "batch      \(configuration.batchSize) x \(configuration.accumulation) sequences per step,"
        + " \(data.plan.totalSteps) steps",
      "compute    \(job.ranks.worldSize) rank\(job.ranks.worldSize == 1 ? "" : "s") x"
        + " \(configuration.threadsPerRank) thread\(configuration.threadsPerRank == 1 ? "" : "s"),"
        + " OpenBLAS \(BLAS.coreName), float32",
    ]
    for line in lines { Console.note(line) }
    EvaluationRun.warn(inputs)
  }

  /// Continues from the newest good checkpoint, or from the one that is named; all ranks get the root's.
  private mutating func resume(_ trainer: inout Trainer, _ job: borrowing Job) throws {
    let configuration = inputs.configuration
    var bytes: [UInt8] = []
    try job.onRoot {
      guard let checkpoint = try findCheckpoint(configuration.resumeFrom ?? "auto") else { return }
      try check(checkpoint, fits: trainer.layout)
      bytes = try checkpoint.sealedBytes()
    }
    bytes = try job.ranks.broadcast(bytes)
    guard !bytes.isEmpty else { return }
    let checkpoint = try Checkpoint(sealed: bytes, name: "the root's checkpoint")
    trainer.restore([checkpoint.parameters, checkpoint.firstMoment, checkpoint.secondMoment])
    state = TrainingState(checkpoint)
    job.note("resumed    after step \(state.step)")
  }

  private func findCheckpoint(_ name: String) throws -> Checkpoint? {
    guard name == "auto" else { return try folder.checkpoints.load(name) }
    let search = try folder.checkpoints.newest()
    for refused in search.refused { Console.note("warning: \(refused.reason)") }
    if let found = search.found { return found.checkpoint }
    guard search.refused.isEmpty else {
      throw CommandFailure(
        "no checkpoint in \(folder.checkpoints.folder) is undamaged", exitCode: 65)
    }
    Console.note("no checkpoint yet in \(folder.checkpoints.folder); starting from the beginning")
    return nil
  }

  private func check(_ checkpoint: Checkpoint, fits layout: AdapterLayout) throws {
    let stored = (try? JSONParser.parse(checkpoint.configuration)) ?? .null
    var differences = inputs.configuration.differences(from: stored)
    if checkpoint.tensors != Self.tensors(layout) {
      differences.append("the adapter has other tensors")
    }
    if checkpoint.provenance != provenance.text() {
      differences.append("made from \(checkpoint.provenance), now \(provenance.text())")
    }
    guard differences.isEmpty else {
      throw CommandFailure(
        "the checkpoint belongs to another run:\n"
          + differences.map { "  \($0)" }.joined(separator: "\n"), exitCode: 65)
    }
  }

  /// What must be the same for a resumed run.
  private var provenance: JSONValue {
    .object([
      "model_type": .string(inputs.model.architecture.rawValue),
      "base_parameters": .integer(inputs.model.parameterCount),
      "questions": .integer(inputs.dataset.questions.count),
      "dataset_sha256": .string(inputs.datasetDigest),
    ])
  }

  private static func tensors(_ layout: AdapterLayout) -> [CheckpointTensor] {
    layout.tensors.map {
      CheckpointTensor(
        name: $0.name.replacing("model.layers.", with: "layers.").replacing(".weight", with: ""),
        rows: $0.rows, columns: $0.columns)
    }
  }

  // MARK: Steps

  private mutating func train(
    _ trainer: inout Trainer, _ evaluator: borrowing Evaluator, _ job: borrowing Job
  ) throws {
    let configuration = inputs.configuration
    job.note("\n  step   epoch      loss  grad norm  learning rate  tokens/s")
    lastLog = .now
    while state.step < data.plan.totalSteps {
      let step = state.step + 1
      let (batches, first) = try data.microBatches(ofStep: step)
      let divisor = batches.reduce(0) { $0 + inputs.normalization($1) }
      let metrics = try trainer.step(
        batches, first: first, step: step, divisor: divisor, over: job.ranks)
      state.step = step
      state.lossSum += metrics.loss
      state.updates += 1
      state.tokens += metrics.tokens
      state.tokensSeen += metrics.tokens
      let isLast = step == data.plan.totalSteps
      if step % configuration.loggingSteps == 0 || isLast { try log(metrics, job) }
      if configuration.evaluationSteps > 0, step % configuration.evaluationSteps == 0 {
        try validate(trainer, evaluator, job)
      }
      if isLast || (configuration.saveSteps > 0 && step % configuration.saveSteps == 0) {
        try save(trainer, job)
      }
    }
  }

  private mutating func log(_ metrics: StepMetrics, _ job: borrowing Job) throws {
    let now = ContinuousClock.now
    let elapsed = now - lastLog
    let seconds =
      Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
    lastLog = now
    let loss = state.lossSum / Double(state.updates)
    let epoch = data.plan.epochs(afterStep: state.step)
    let line = JSONValue.object([
      "step": .integer(state.step), "epoch": .double(epoch), "loss": .double(loss),
      "grad_norm": .double(metrics.gradientNorm), "learning_rate": .double(metrics.learningRate),
      "tokens": .integer(state.tokens), "seconds": .double(seconds),
    ])
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
    try append(line, job)
  }

  private mutating func append(_ line: JSONValue, _ job: borrowing Job) throws {
    state.history.append(line.text())
    let text = state.history.map { $0 + "\n" }.joined()
    try job.onRoot { try folder.write(text, to: "metrics.jsonl") }
  }

  private mutating func validate(
    _ trainer: borrowing Trainer, _ evaluator: borrowing Evaluator, _ job: borrowing Job
  ) throws {
    guard !validation.isEmpty else { return }
    let loss = try evaluator.meanLoss(validation, adapter: trainer.parameters, over: job.ranks)
    job.note(Console.padded("validation loss \(Console.fixed(loss, 4))", 34))
    try append(
      .object([
        "step": .integer(state.step), "epoch": .double(data.plan.epochs(afterStep: state.step)),
        "eval_loss": .double(loss),
      ]), job)
  }

  // MARK: Results

  /// Writes a checkpoint; all ranks first agree that they hold the same parameters.
  private func save(_ trainer: borrowing Trainer, _ job: borrowing Job) throws {
    let parameters = trainer.parameters.array()
    let norm = GradientClipping.norm(trainer.parameters).bitPattern
    guard try job.ranks.agrees(on: withBytes(norm)) else {
      throw CommandFailure("step \(state.step): the ranks hold different adapters", exitCode: 70)
    }
    let configuration = inputs.configuration
    try job.onRoot {
      let checkpoint = Checkpoint(
        tensors: Self.tensors(trainer.layout), parameters: parameters,
        firstMoment: trainer.firstMoment.array(), secondMoment: trainer.secondMoment.array(),
        step: state.step, epoch: state.step / data.plan.windowsPerEpoch,
        windowInEpoch: state.step % data.plan.windowsPerEpoch, totalSteps: data.plan.totalSteps,
        seed: configuration.seed, tokensSeen: state.tokensSeen,
        configuration: configuration.json.text(), provenance: provenance.text(),
        history: state.history, state: state.json.text())
      _ = try folder.checkpoints.save(checkpoint)
      _ = try folder.checkpoints.prune(keeping: configuration.saveLimit)
    }
  }

  private func withBytes(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
  }

  private func finish(
    _ trainer: borrowing Trainer, _ evaluator: borrowing Evaluator, _ items: [ScoringItem],
    _ job: borrowing Job
  ) throws -> EvaluationResult {
    let result = try EvaluationRun.evaluate(
      items, inputs, evaluator, trainer.parameters, over: job.ranks)
    let parameters = trainer.parameters.array()
    try job.onRoot {
      try folder.writeAdapter(
        parameters, trainer.layout, baseModel: inputs.configuration.modelPath)
      try EvaluationRun.write(result, inputs, to: folder)
      try folder.write(trainerState.text(indent: 2) + "\n", to: "trainer_state.json")
      Console.note("")
      Console.result(result.summary("held out"))
      EvaluationRun.warn(inputs)
      Console.note("adapter    \(folder.adapter) (PEFT)\nresults    \(folder.path)/results.json")
    }
    return result
  }

  /// The keys that readers of transformers' runs know.
  private var trainerState: JSONValue {
    .object([
      "epoch": .double(data.plan.epochs(afterStep: state.step)),
      "global_step": .integer(state.step),
      "max_steps": .integer(data.plan.totalSteps),
      "num_train_epochs": .double(inputs.configuration.epochs),
      "log_history": .array(state.history.compactMap { try? JSONParser.parse($0) }),
    ])
  }
}
