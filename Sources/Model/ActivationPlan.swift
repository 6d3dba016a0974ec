/// What the forward pass keeps for the backward pass.
package enum ActivationCheckpointing: String, Sendable, CaseIterable {
  /// Everything a layer's backward pass needs, of every layer.
  case none
  /// The residual stream between layers; each layer's forward pass is computed again before its backward pass.
  case full
}

/// How much memory the activations of one micro-batch need.
package struct ActivationPlan: Sendable, Equatable {
  /// Tokens of the longest micro-batch, and of the longest sequence.
  package let tokens: Int, sequence: Int
  /// Rows in the loss of one micro-batch, at most.
  package let targets: Int
  /// Forward keeps what a backward pass needs; false for scoring alone.
  package let keepsForBackward: Bool
  package let checkpointing: ActivationCheckpointing
  /// Tokens whose keys and values of every layer are kept from pass to pass, over all sequences that are continued.
  package let cachedTokens: Int

  /// The plan that fits every one of `batches`.
  package init(
    fitting batches: [MicroBatch], keepsForBackward: Bool,
    checkpointing: ActivationCheckpointing = .none
  ) {
    self.init(
      tokens: batches.map(\.tokens.count).max() ?? 0,
      sequence: batches.map(\.longestSequence).max() ?? 0,
      targets: batches.map(\.targetRows.count).max() ?? 0, keepsForBackward: keepsForBackward,
      checkpointing: checkpointing)
  }

  package init(
    tokens: Int, sequence: Int, targets: Int, keepsForBackward: Bool,
    checkpointing: ActivationCheckpointing = .none, cachedTokens: Int = 0
  ) {
    self.tokens = tokens
    self.sequence = sequence
    self.targets = targets
    self.keepsForBackward = keepsForBackward
    self.checkpointing = checkpointing
    self.cachedTokens = cachedTokens
  }

  /// The plan that fits several micro-batches of together `tokens` tokens, as well as one that fits this plan.
  package func joining(tokens: Int) -> ActivationPlan {
    ActivationPlan(
      tokens: max(self.tokens, tokens), sequence: sequence,
      targets: max(targets, min(4 * targets, tokens)), keepsForBackward: keepsForBackward,
      checkpointing: checkpointing, cachedTokens: cachedTokens)
  }

  /// Layers whose activations exist at the same time.
  func keptLayers(of count: Int) -> Int {
    keepsForBackward && checkpointing == .none ? count : min(count, 1)
  }

  /// Whether the forward pass rounds what it keeps to bfloat16 numbers, as products do with their operands.
  func roundsKept(_ precision: Precision) -> Bool { keepsForBackward && precision == .bfloat16 }

  /// Whether the residual stream before every layer is kept as it is.
  func keepsResidual(_ precision: Precision) -> Bool {
    keepsForBackward && (checkpointing == .full || !roundsKept(precision))
  }

  /// Whether the batches can go through a model together: each has targets, and the last MLP takes the same rows of each
  /// as it would by itself.
  package func fits(together batches: [MicroBatch]) -> Bool {
    batches.allSatisfy { batch in
      !batch.targetRows.isEmpty && LossRows.areFew(in: batch) == LossRows.areFew(in: batches[0])
    } && batches.reduce(0) { $0 + $1.tokens.count } <= tokens
      && batches.reduce(0) { $0 + $1.targetRows.count } <= targets
  }

  func fits(_ pass: JoinedPass) -> Bool {
    pass.tokenCount <= tokens && pass.batch.targetRows.count <= targets
      && pass.longestSequence <= sequence
  }
}

extension ActivationPlan {
  /// The plan that fits what either of the two fits.
  package func union(_ other: ActivationPlan) -> ActivationPlan {
    ActivationPlan(
      tokens: max(tokens, other.tokens), sequence: max(sequence, other.sequence),
      targets: max(targets, other.targets),
      keepsForBackward: keepsForBackward || other.keepsForBackward, checkpointing: checkpointing,
      cachedTokens: max(cachedTokens, other.cachedTokens))
  }
}
