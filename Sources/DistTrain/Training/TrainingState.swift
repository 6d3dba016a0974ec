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
  /// The lowest validation loss so far, and the step it was found after.
  package var bestLoss = Double.infinity
  package var bestStep = 0
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

  /// The running sums, exactly.
  package var json: JSONValue {
    .object([
      "loss_sum_bits": .string(String(lossSum.bitPattern, radix: 16)), "updates": .integer(updates),
      "tokens": .integer(tokens), "validated_step": .integer(validatedStep),
      "best_loss_bits": .string(String(bestLoss.bitPattern, radix: 16)),
      "best_step": .integer(bestStep),
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
    bestLoss = exactly("best_loss_bits") ?? .infinity
  }
}
