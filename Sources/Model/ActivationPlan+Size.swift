extension ActivationPlan {
  /// Bytes of all buffers of an `ActivationBuffer` with this plan, its scratch included, known before any is allocated.
  ///
  /// Per kept layer and token: hidden + query x 2 + kv x 2 + intermediate x 2 (half of that where they are kept rounded) +
  /// modules x rank + heads + 2, with head norms query + kv + heads + kv heads more; hidden per token and layer for the
  /// residual stream; then the gradients of one layer, the rows in the loss, and the scratch.
  ///
  /// - Parameters:
  ///   - rank: Of the adapter; 0 for none.
  ///   - hasDropout: Masks are kept.
  ///   - isAsItLies: The weights' type is that of the products, so panels of them are neither widened nor rounded.
  package func byteCount(
    _ sizes: QwenConfiguration, rank: Int, hasDropout: Bool, precision: Precision,
    isAsItLies: Bool
  ) -> Int {
    let streams = keepsForBackward ? sizes.layerCount + 1 : 1
    let kept = keptLayers(of: sizes.layerCount) * keptPerToken(sizes, rank, precision)
    let perToken = (streams + 1) * sizes.hiddenSize + kept + gradientPerToken(sizes)
    let few = LossRows.most(targets: targets, tokens: tokens) * sizes.hiddenSize
    let rows =
      few + targets * (keepsForBackward ? 4 * sizes.hiddenSize + 2 : 2 * sizes.hiddenSize + 1)
    let masks = hasDropout ? keptLayers(of: sizes.layerCount) * maskBytes(sizes) : 0
    let cached = 2 * sizes.layerCount * cachedTokens * sizes.kvSize
    return 4 * (tokens * perToken + rows + cached) + masks
      + scratchBytes(sizes, rank, precision, isAsItLies: isAsItLies)
  }

  /// Bytes of the dropout masks of one layer, and of one projection's input.
  func maskBytes(_ sizes: QwenConfiguration) -> Int {
    Projection.allCases.reduce(0) { $0 + maskBytes(sizes, $1) }
  }

  func maskBytes(_ sizes: QwenConfiguration, _ projection: Projection) -> Int {
    (tokens * sizes.shape(of: projection).in + 7) / 8
  }

  private func keptPerToken(
    _ sizes: QwenConfiguration, _ rank: Int, _ precision: Precision
  ) -> Int {
    let plain =
      sizes.hiddenSize + 2 + 2 * sizes.querySize + 2 * sizes.kvSize + sizes.headCount
      + (KeptGates.rounds(self, precision) ? 1 : 2) * sizes.intermediateSize + Projection.allCases
      .count * rank
    guard sizes.hasHeadNorm else { return plain }
    return plain + sizes.querySize + sizes.kvSize + sizes.headCount + sizes.kvHeadCount
  }

  private func gradientPerToken(_ sizes: QwenConfiguration) -> Int {
    guard keepsForBackward else { return sizes.intermediateSize }
    let raw = sizes.hasHeadNorm ? sizes.querySize : 0
    return 2 * sizes.hiddenSize + 2 * sizes.querySize + 2 * sizes.kvSize + raw
      + 3 * sizes.intermediateSize
  }

  private func scratchBytes(
    _ sizes: QwenConfiguration, _ rank: Int, _ precision: Precision, isAsItLies: Bool
  ) -> Int {
    let widest = max(sizes.hiddenSize, sizes.intermediateSize, sizes.querySize)
    let head = (out: sizes.vocabularySize, in: sizes.hiddenSize)
    let shapes = Projection.allCases.map(sizes.shape(of:)) + [head]
    let panel = shapes.map { WeightMatrix.panelRows($0.out, $0.in, precision, isAsItLies) * $0.in }
    let widened = isAsItLies ? 0 : panel.max() ?? 0
    let headPanel = CrossEntropy.panelRows(head.out, head.in, precision, isAsItLies)
    let chunk = min(targets, CrossEntropy.chunkRows(panel: headPanel))
    let operand = max(max(tokens, rank) * widest, chunk * headPanel, widened)
    let rounded = precision == .bfloat16 ? MatrixProducts.Slot.allCases.count * operand : 0
    let logits = chunk * headPanel + (keepsForBackward ? sizes.hiddenSize : 0)
    let scores = GroupedQueryAttention.scoresCount(length: sequence)
    let dropped = rank == 0 ? 0 : tokens * widest
    let pair = keepsForBackward ? rank * ActivationBuffer.widestPair(sizes) : 0
    return 2 * rounded
      + 4 * (widened + dropped + tokens * rank + scores + logits + 2 * chunk + pair)
  }
}
