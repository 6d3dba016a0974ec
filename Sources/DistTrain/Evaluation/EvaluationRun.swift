internal import Collective
internal import Logging
internal import Model

/// The evaluate command: an adapter's score on held-out questions.
package enum EvaluationRun {
  package static func run(_ configuration: RunConfiguration, _ job: borrowing Job) throws {
    configuration.precision.setThreadCount(configuration.threadsPerRank)
    let folder = RunFolder(configuration.outputPath)
    let inputs = try job.load { try RunInputs(configuration) }
    let items = try job.load {
      try inputs.questions(inputs.split.heldOut).map { try ScoringItem($0, inputs) }
    }
    let longest = items.flatMap { $0.batch.sequences.map(\.count) }.max() ?? 1
    let model = try job.load {
      try inputs.loadModel(longest: longest, prefetches: job.ranks.localRank == 0)
    }
    let start = try job.load { try inputs.adapter?.parameters(inputs.layout) }
    let parameters = start.map { FloatBuffer($0) } ?? FloatBuffer(count: inputs.layout.count)
    let evaluator = Evaluator(model, fitting: items.map(\.batch))
    let result = try evaluate(items, inputs, evaluator, parameters, over: job.ranks)
    try job.onRoot {
      try folder.prepare(resumes: true, overwrites: false)
      try write(result, inputs, to: folder)
      Console.result(result.summary("held out"))
      warn(inputs, job)
    }
  }

  /// Scores the items on all ranks.
  static func evaluate(
    _ items: [ScoringItem], _ inputs: RunInputs, _ evaluator: borrowing Evaluator,
    _ adapter: borrowing FloatBuffer, over ranks: Communicator
  ) throws -> EvaluationResult {
    try EvaluationResult(
      items, scores: try evaluator.scores(items, adapter: adapter, over: ranks),
      typeNames: inputs.dataset.typeNames)
  }

  /// results.json, predictions.jsonl and test_split.json.
  static func write(_ result: EvaluationResult, _ inputs: RunInputs, to folder: RunFolder) throws {
    let configuration = inputs.configuration
    try folder.write(result.json(configuration).text(indent: 2) + "\n", to: "results.json")
    try folder.write(result.predictionLines, to: "predictions.jsonl")
    let split = inputs.split.json(source: configuration.split, seed: configuration.seed)
    try folder.write(split.text() + "\n", to: "test_split.json")
  }

  /// Says so where a constant answer would score as high as any model can.
  static func warn(_ inputs: RunInputs, _ job: borrowing Job) {
    let best = inputs.configuration.optionOrder.bestConstantAnswer(
      inputs.questions(inputs.split.heldOut), seed: inputs.configuration.seed)
    let letters = inputs.questions(inputs.split.heldOut).map(\.options.count).min() ?? 2
    guard best.share > 2.0 / Double(letters), !inputs.configuration.scoresOptions else { return }
    let constant =
      "always answering \(best.letter) scores \(Console.fixed(100 * best.share, 1)) % on these held-out"
      + " questions"
    guard inputs.configuration.optionOrder == .dataset else {
      return job.log.warning(
        "\(constant): they are too few for a score to mean much. Hold out more.")
    }
    job.log.warning(
      """
      \(constant): with option_order dataset the right option's position gives it away, so this score \
      measures nothing. Use option_order=shuffled.
      """)
  }
}
