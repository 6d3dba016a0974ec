internal import Checkpoints
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
      try check(checkpoint)
      let settings = try JSONParser.parse(checkpoint.configuration)
      for change in inputs.configuration.changes(from: settings) {
        job.note("changed    \(change)")
      }
      warnOfOtherArithmetic(try JSONParser.parse(checkpoint.provenance), job)
      bytes = try checkpoint.sealedBytes()
    }
    bytes = try job.ranks.broadcast(bytes)
    guard !bytes.isEmpty else { return }
    let checkpoint = try Checkpoint(sealed: bytes, name: "the root's checkpoint")
    try trainer.restore([checkpoint.parameters, checkpoint.firstMoment, checkpoint.secondMoment])
    state = try TrainingState(checkpoint)
    try recoverLog()
    job.note("resumed    after step \(state.step)")
  }

  /// Takes the parameters of the best validation, where that was not after the last step.
  ///
  /// Communication: the root's checkpoint goes to all ranks.
  mutating func takeBest(_ job: borrowing Job) throws {
    guard state.bestStep > 0, state.bestStep != state.step else { return }
    var bytes: [UInt8] = []
    try job.onRoot {
      let path = folder.checkpoints.path(ofStep: state.bestStep)
      bytes = try folder.checkpoints.load(path).sealedBytes()
    }
    bytes = try job.ranks.broadcast(bytes)
    let checkpoint = try Checkpoint(sealed: bytes, name: "the root's checkpoint")
    try trainer.restore([checkpoint.parameters, checkpoint.firstMoment, checkpoint.secondMoment])
    job.note("best       the \(Inputs.product) after step \(state.bestStep) is kept")
  }

  /// Says so where the rest of the run is computed by other kernels than what there is of it.
  private func warnOfOtherArithmetic(_ stored: JSONValue, _ job: borrowing Job) {
    for change in provenance.changes(from: stored) {
      job.log.warning(
        """
        \(change): from here on results may differ in their last digits from those of a run that was \
        not interrupted (docs/resume.md)
        """)
    }
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

  private func check(_ checkpoint: Checkpoint) throws {
    let stored = try JSONParser.parse(checkpoint.configuration)
    var differences = inputs.configuration.differences(from: stored)
    if checkpoint.tensors != inputs.tensors {
      differences.append("the \(Inputs.product) has other tensors")
    }
    differences += provenance.differences(from: try JSONParser.parse(checkpoint.provenance))
    guard differences.isEmpty else {
      throw CommandFailure(
        "the checkpoint belongs to another run:\n"
          + differences.map { "  \($0)" }.joined(separator: "\n"), exitCode: 65)
    }
  }

  /// Throws on all ranks, with a table of them, unless they hold the same parameters and moments.
  ///
  /// Communication: one handshake.
  func compareParameters(_ job: borrowing Job) throws {
    let cure = "a host computes wrongly or its memory is faulty; resume without it"
    let fields = [
      HandshakeField(Inputs.product, FileDigest.digest(of: trainer.parameters), cure: cure),
      HandshakeField("first_moment", FileDigest.digest(of: trainer.firstMoment), cure: cure),
      HandshakeField(
        "second_moment", FileDigest.digest(of: trainer.secondMoment), cure: cure),
    ]
    try job.together {
      do throws(HandshakeError) { try job.ranks.shakeHands(fields) } catch {
        throw CommandFailure("after step \(state.step) \(error)", exitCode: 70)
      }
    }
  }

  /// Writes a checkpoint; all ranks first agree that they hold the same parameters.
  ///
  /// Kept are the newest `save_total_limit` and the one with the best validation loss. A file that cannot be written ends
  /// the run, unless it is told to go on and this is not its end; earlier checkpoints are untouched.
  func save(_ job: borrowing Job, isEnd: Bool = true) throws {
    job.enter(.checkpoint)
    try compareParameters(job)
    let configuration = inputs.configuration
    try job.onRoot {
      let store = folder.checkpoints
      func goOn(_ error: CheckpointError, _ consequence: String) throws {
        guard configuration.continuesWithoutSaving, !isEnd else { throw error }
        job.log.warning("\(error); \(consequence)")
      }
      do throws(CheckpointError) {
        let path = try store.save(checkpoint())
        job.log.info("wrote \(path)")
      } catch { return try goOn(error, "going on without this checkpoint") }
      let best = state.bestStep > 0 ? [store.path(ofStep: state.bestStep)] : []
      do throws(CheckpointError) {
        _ = try store.prune(keeping: configuration.saveLimit, protecting: Set(best))
      } catch { try goOn(error, "going on, and older checkpoints may stay") }
    }
  }

  /// Everything that is needed to go on from here.
  private func checkpoint() -> Checkpoint {
    Checkpoint(
      tensors: inputs.tensors, parameters: trainer.parameters.array(),
      firstMoment: trainer.firstMoment.array(), secondMoment: trainer.secondMoment.array(),
      step: state.step, epoch: state.step / data.plan.windowsPerEpoch,
      windowInEpoch: state.step % data.plan.windowsPerEpoch, totalSteps: data.plan.totalSteps,
      seed: inputs.configuration.seed, tokensSeen: state.tokensSeen,
      configuration: inputs.configuration.json.text(), provenance: provenance.json.text(),
      history: state.history, state: state.json.text())
  }
}
