/// How much memory the activations of one micro-batch need.
package struct ActivationPlan: Sendable, Equatable {
  /// Tokens of the longest micro-batch, and of the longest sequence.
  package let tokens: Int, sequence: Int
  /// Rows in the loss of one micro-batch, at most.
  package let targets: Int
  /// Forward keeps what a backward pass needs; false for scoring alone.
  package let keepsForBackward: Bool

  /// The plan that fits every one of `batches`.
  package init(fitting batches: [MicroBatch], keepsForBackward: Bool) {
    tokens = batches.map(\.tokens.count).max() ?? 0
    sequence = batches.flatMap { $0.sequences.map(\.count) }.max() ?? 0
    targets = batches.map(\.targetRows.count).max() ?? 0
    self.keepsForBackward = keepsForBackward
  }

  package init(tokens: Int, sequence: Int, targets: Int, keepsForBackward: Bool) {
    self.tokens = tokens
    self.sequence = sequence
    self.targets = targets
    self.keepsForBackward = keepsForBackward
  }

  func fits(_ batch: MicroBatch) -> Bool {
    batch.tokens.count <= tokens && batch.targetRows.count <= targets
      && batch.sequences.allSatisfy { $0.count <= sequence }
  }
}

extension ActivationPlan {
  /// The plan that fits what either of the two fits.
  package func union(_ other: ActivationPlan) -> ActivationPlan {
    ActivationPlan(
      tokens: max(tokens, other.tokens), sequence: max(sequence, other.sequence),
      targets: max(targets, other.targets),
      keepsForBackward: keepsForBackward || other.keepsForBackward)
  }
}
