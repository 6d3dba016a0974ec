internal import Collective
internal import Logging
internal import Model

/// The evaluate command: an adapter's score on held-out questions.
package enum EvaluationRun {
  @discardableResult
  package static func run(
    _ configuration: RunConfiguration, _ job: borrowing Job
  ) throws -> HeldOutScore {
    configuration.precision.setThreadCount(configuration.threadsPerRank)
    let folder = RunFolder(configuration.outputPath)
    let inputs = try job.load { try RunInputs(configuration) }
    let questions = try job.load { try HeldOutQuestions(inputs) }
    let plan = Evaluator.plan(inputs.scoring, fitting: questions.all)
    let model = try job.load {
      try inputs.loadModel(longest: plan.sequence, prefetches: job.ranks.localRank == 0)
    }
    let start = try job.load { try inputs.adapter?.parameters(inputs.layout) }
    let parameters = start.map { FloatBuffer($0) } ?? FloatBuffer(count: inputs.layout.count)
    let evaluator = Evaluator(model, inputs.scoring, fitting: questions.all)
    let score = try questions.score(
      inputs, evaluator, adapter: parameters,
      start: FloatBuffer(count: inputs.layout.count), over: job.ranks)
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
    _ score: HeldOutScore, _ inputs: RunInputs, _ audit: LeakAudit, to folder: RunFolder
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
