internal import Collective
internal import Logging
internal import Model

extension TrainingRun {
  /// Continues from the newest good checkpoint, or from the one that is named; all ranks get the root's.
  mutating func resume(_ job: borrowing Job) throws {
    var bytes: [UInt8] = []
    try job.onRoot {
      let name = inputs.configuration.resumeFrom ?? "auto"
      guard let checkpoint = try findCheckpoint(name, job) else { return }
      try check(checkpoint, fits: trainer.layout)
      bytes = try checkpoint.sealedBytes()
    }
    bytes = try job.ranks.broadcast(bytes)
    guard !bytes.isEmpty else { return }
    let checkpoint = try Checkpoint(sealed: bytes, name: "the root's checkpoint")
    trainer.restore([checkpoint.parameters, checkpoint.firstMoment, checkpoint.secondMoment])
    state = TrainingState(checkpoint)
    recoverTimes()
    job.note("resumed    after step \(state.step)")
  }

  private func findCheckpoint(_ name: String, _ job: borrowing Job) throws -> Checkpoint? {
    guard name == "auto" else { return try folder.checkpoints.load(name) }
    let search = try folder.checkpoints.newest()
    for refused in search.refused { job.log.warning("\(refused.reason)") }
    if let found = search.found { return found.checkpoint }
    guard search.refused.isEmpty else {
      throw CommandFailure(
        "no checkpoint in \(folder.checkpoints.folder) is undamaged", exitCode: 65)
    }
    job.note("no checkpoint yet in \(folder.checkpoints.folder); starting from the beginning")
    return nil
  }

  private func check(_ checkpoint: Checkpoint, fits layout: AdapterLayout) throws {
    let stored = try JSONParser.parse(checkpoint.configuration)
    var differences = inputs.configuration.differences(from: stored)
    if checkpoint.tensors != layout.checkpointTensors {
      differences.append("the adapter has other tensors")
    }
    differences += provenance.differences(from: try JSONParser.parse(checkpoint.provenance))
    guard differences.isEmpty else {
      throw CommandFailure(
        "the checkpoint belongs to another run:\n"
          + differences.map { "  \($0)" }.joined(separator: "\n"), exitCode: 65)
    }
  }

  /// Throws on all ranks, with a table of them, unless they hold the same adapter and moments.
  ///
  /// Communication: one handshake.
  func compareAdapters(_ job: borrowing Job) throws {
    let cure = "a host computes wrongly or its memory is faulty; resume without it"
    let fields = [
      HandshakeField("adapter", FileDigest.digest(of: trainer.parameters.bytes), cure: cure),
      HandshakeField("first_moment", FileDigest.digest(of: trainer.firstMoment.bytes), cure: cure),
      HandshakeField(
        "second_moment", FileDigest.digest(of: trainer.secondMoment.bytes), cure: cure),
    ]
    try job.together {
      do throws(HandshakeError) { try job.ranks.shakeHands(fields) } catch {
        throw CommandFailure("after step \(state.step) \(error)", exitCode: 70)
      }
    }
  }

  /// Writes a checkpoint; all ranks first agree that they hold the same adapter.
  func save(_ job: borrowing Job) throws {
    job.enter(.checkpoint)
    try compareAdapters(job)
    let parameters = trainer.parameters.array()
    let configuration = inputs.configuration
    try job.onRoot {
      let checkpoint = Checkpoint(
        tensors: trainer.layout.checkpointTensors, parameters: parameters,
        firstMoment: trainer.firstMoment.array(), secondMoment: trainer.secondMoment.array(),
        step: state.step, epoch: state.step / data.plan.windowsPerEpoch,
        windowInEpoch: state.step % data.plan.windowsPerEpoch, totalSteps: data.plan.totalSteps,
        seed: configuration.seed, tokensSeen: state.tokensSeen,
        configuration: configuration.json.text(), provenance: provenance.json.text(),
        history: state.history, state: state.json.text())
      let path = try folder.checkpoints.save(checkpoint)
      job.log.info("wrote \(path)")
      _ = try folder.checkpoints.prune(keeping: configuration.saveLimit)
    }
  }
}
