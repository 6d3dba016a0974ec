internal import Collective
internal import Logging
internal import Model

/// The evaluate command: the score of an adapter or a trained model on held-out questions.
package enum EvaluationRun {
  /// - Parameter trained: The folder of a model that a run has trained; the base model where it is nil.
  @discardableResult
  package static func run(
    _ configuration: RunConfiguration, trained: String? = nil, _ job: borrowing Job
  ) throws -> HeldOutScore {
    configuration.isEncoder
      ? try run(EncoderInputs.self, configuration, trained, job)
      : try run(RunInputs.self, configuration, trained, job)
  }

  private static func run<Inputs: TrainingInputs>(
    _: Inputs.Type, _ configuration: RunConfiguration, _ trained: String?, _ job: borrowing Job
  ) throws -> HeldOutScore {
    configuration.precision.setThreadCount(configuration.threadsPerRank)
    let folder = RunFolder(configuration.outputPath)
    let inputs = try job.load { try Inputs(configuration) }
    let questions = try job.load { try HeldOutQuestions(inputs) }
    let learner = try job.load {
      try inputs.load(
        training: nil, scoring: questions.all, texts: [], prefetches: job.ranks.localRank == 0)
    }
    let parameters = try job.load { try learner.given(in: trained) }
    let score = try questions.score(inputs, learner, parameters: parameters, over: job.ranks) {
      try learner.untrained()
    }
    try job.onRoot {
      let audit = LeakAudit(inputs)
      try folder.prepare(resumes: true, overwrites: false)
      try write(score, inputs, audit, to: folder)
      show(score, audit, job)
      folder.refreshReport(job)
    }
    return score
  }

  /// results.json, predictions.jsonl, audit.json and test_split.json.
  static func write(
    _ score: HeldOutScore, _ inputs: some TrainingInputs, _ audit: LeakAudit, to folder: RunFolder
  ) throws {
    let configuration = inputs.configuration
    try folder.write(score.json(configuration).text(indent: 2) + "\n", to: "results.json")
    try folder.write(score.result.predictionLines, to: "predictions.jsonl")
    try folder.write(audit.json.text(indent: 2) + "\n", to: "audit.json")
    let split = inputs.split.json(source: configuration.split, seed: configuration.seed)
    try folder.write(split.text() + "\n", to: "test_split.json")
  }

  /// Prints the score and what it must not be believed for; the root's.
  static func show(_ score: HeldOutScore, _ audit: LeakAudit, _ job: borrowing Job) {
    job.result(score.summary)
    for warning in (audit.isClean ? [] : audit.warnings) + [score.warning].compactMap({ $0 }) {
      job.log.warning("\(warning)")
    }
  }
}
