package import Checkpoints
package import Model

/// What changes from step to step, besides the arenas.
package struct TrainingState: Sendable, Equatable {
  /// Optimizer steps done.
  package var step = 0
  /// Tokens of all micro-batches so far, over all ranks.
  package var tokensSeen = 0
  /// Sum of the update losses since the last log line, and their number.
  package var lossSum = 0.0
  package var updates = 0
  /// Tokens since the last log line.
  package var tokens = 0
  /// The last step after which the validation loss was computed.
  package var validatedStep = 0
  /// The best validation so far, nil before the first, and the step it was found after.
  package var bestValue: Double?
  package var bestStep = 0
  /// Validations since then.
  package var worseCount = 0
  /// Lines of metrics.jsonl.
  package var history: [String] = []

  package init() {}

  /// Takes up what a step measured.
  package mutating func count(_ metrics: StepMetrics, step: Int) {
    self.step = step
    lossSum += metrics.loss
    updates += 1
    tokens += metrics.tokens
    tokensSeen += metrics.tokens
  }

  /// Takes up what the validation after this step measured.
  package mutating func validated(_ value: Double, by metric: BestMetric) {
    validatedStep = step
    if metric.isBetter(value, than: bestValue ?? metric.worst) {
      (bestValue, bestStep, worseCount) = (value, step, 0)
    } else {
      worseCount += 1
    }
  }

  /// The running sums, exactly.
  package var json: JSONValue {
    .object([
      "loss_sum_bits": .string(String(lossSum.bitPattern, radix: 16)), "updates": .integer(updates),
      "tokens": .integer(tokens), "validated_step": .integer(validatedStep),
      "best_value_bits": bestValue.map { .string(String($0.bitPattern, radix: 16)) } ?? .null,
      "best_step": .integer(bestStep), "worse_count": .integer(worseCount),
    ])
  }

  /// The state at the end of `checkpoint`.
  package init(_ checkpoint: Checkpoint) throws {
    let json = try JSONParser.parse(checkpoint.state)
    step = checkpoint.step
    tokensSeen = checkpoint.tokensSeen
    history = checkpoint.history
    updates = json["updates"]?.intValue ?? 0
    tokens = json["tokens"]?.intValue ?? 0
    validatedStep = json["validated_step"]?.intValue ?? 0
    bestStep = json["best_step"]?.intValue ?? 0
    func exactly(_ key: String) -> Double? {
      json[key]?.stringValue.flatMap { UInt64($0, radix: 16) }.map(Double.init(bitPattern:))
    }
    lossSum = exactly("loss_sum_bits") ?? 0
    bestValue = exactly("best_value_bits")
    worseCount = json["worse_count"]?.intValue ?? 0
  }
}
