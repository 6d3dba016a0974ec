/// What a run computes: the sizes of its micro-batches, step by step.
package struct Workload: Sendable, Equatable {
  /// Tokens of each micro-batch of the steps looked at.
  package let steps: [[Int]]
  package let totalSteps: Int
  /// Tokens of micro-batches that go through the model together, at most; 0 where each goes by itself.
  package let tokensPerPass: Int
  /// Where the sizes come from, for the report.
  package let source: String
  /// Steps looked at; the mean of so many is as good as that of all.
  private static let sampledSteps = 2000

  package init(steps: [[Int]], totalSteps: Int, tokensPerPass: Int = 0, source: String) {
    self.steps = steps
    self.totalSteps = totalSteps
    self.tokensPerPass = tokensPerPass
    self.source = source
  }

  /// Tokens of all micro-batches looked at, each size once, ascending.
  package var sizes: [Int] { Set(steps.flatMap { $0 }).sorted() }

  /// As many sequences of about the same length as a pass over `tokens` tokens has, none of them longer than `longest`.
  package func sequenceLengths(tokens: Int, batchSize: Int, longest: Int) -> [Int] {
    let microBatches = steps.flatMap { $0 }
    let mean = max(1, microBatches.reduce(0, +) / max(1, microBatches.count))
    let joined = tokensPerPass > 0 ? max(1, tokens / mean) : 1
    let least = (tokens + longest - 1) / longest
    let count = max(least, min(joined * batchSize, max(1, tokens / 2)))
    return (0..<count).map { max(2, share(of: tokens, rank: $0, worldSize: count).count) }
  }

  /// Tokens of each pass over the micro-batches of a rank.
  package func passes(_ microBatches: [Int]) -> [Int] {
    func tokens(_ pass: [Int]) -> Int { pass.reduce(0) { $0 + microBatches[$1] } }
    return groups(ofCosts: microBatches, among: Array(microBatches.indices)) {
      tokens($0) <= tokensPerPass
    }.map(tokens)
  }

  package var meanTokensPerStep: Double {
    Double(steps.reduce(0) { $0 + $1.reduce(0, +) }) / Double(max(1, steps.count))
  }

  /// The steps of a run over examples of these lengths in tokens.
  init(
    lengths: [Int], _ configuration: RunConfiguration, tokensPerPass: Int = 0, source: String
  ) {
    let plan = TrainingPlan(
      exampleCount: lengths.count, batchSize: configuration.batchSize,
      accumulation: configuration.accumulation, epochs: configuration.epochs,
      maximumSteps: configuration.maximumSteps, seed: configuration.seed,
      shuffles: configuration.shuffles)
    let steps = (1...min(plan.totalSteps, Self.sampledSteps)).map { step in
      plan.window(ofStep: step).microBatches.map { $0.reduce(0) { $0 + lengths[$1] } }
    }
    self.init(
      steps: steps, totalSteps: plan.totalSteps, tokensPerPass: tokensPerPass, source: source)
  }

  static func range(_ lengths: [Int]) -> String {
    "\(lengths.min() ?? 0) to \(lengths.max() ?? 0)"
  }
}
