extension ActivationPlan {
  /// Bytes of all buffers of an `ActivationBuffer` with this plan, its scratch included, known before any is allocated.
  ///
  /// Per kept layer and token: hidden + query x 2 + kv x 2 + intermediate x 2 + modules x rank, with head norms query + kv more,
  /// half of that where it is kept rounded, with hidden more then; heads + 2, with head norms heads + kv heads more; hidden
  /// per token and layer for the residual stream where that is kept; then the gradients of one layer, the rows in the loss,
  /// and the scratch.
  ///
  /// - Parameters:
  ///   - rank: Of the adapter; 0 for none.
  ///   - hasDropout: Masks are kept.
  ///   - isAsItLies: The weights' type is that of the products, so panels of them are neither widened nor rounded.
  package func byteCount(
    _ sizes: QwenConfiguration, rank: Int, hasDropout: Bool, precision: Precision,
    isAsItLies: Bool
  ) -> Int {
    let streams = keepsResidual(precision) ? sizes.layerCount + 1 : 1
    let perToken =
      (streams + 1) * sizes.hiddenSize
      + keptLayers(of: sizes.layerCount) * factorsPerToken(sizes) + gradientPerToken(sizes)
    let kept = tokens * keptBytesPerToken(sizes, rank, precision)
    let few = LossRows.most(targets: targets, tokens: tokens) * sizes.hiddenSize
    let rows =
      few + targets * (keepsForBackward ? 4 * sizes.hiddenSize + 2 : 2 * sizes.hiddenSize + 1)
    let masks = hasDropout ? keptLayers(of: sizes.layerCount) * maskBytes(sizes) : 0
    let cached = 2 * sizes.layerCount * cachedTokens * sizes.kvSize
    return 4 * (tokens * perToken + rows + cached) + kept + masks
      + scratchBytes(sizes, rank, precision, isAsItLies: isAsItLies)
  }

  /// Bytes of the dropout masks of one layer, and of one projection's input.
  func maskBytes(_ sizes: QwenConfiguration) -> Int {
    Projection.allCases.reduce(0) { $0 + maskBytes(sizes, $1) }
  }

  func maskBytes(_ sizes: QwenConfiguration, _ projection: Projection) -> Int {
    (tokens * sizes.shape(of: projection).in + 7) / 8
  }

  /// 1 / rms and log(sum(exp)) of one layer.
  private func factorsPerToken(_ sizes: QwenConfiguration) -> Int {
    2 + sizes.headCount + (sizes.hasHeadNorm ? sizes.headCount + sizes.kvHeadCount : 0)
  }

  /// Of everything that is kept rounded in bfloat16.
  private func keptBytesPerToken(
    _ sizes: QwenConfiguration, _ rank: Int, _ precision: Precision
  ) -> Int {
    let layers = keptLayers(of: sizes.layerCount)
    let heads = sizes.querySize + sizes.kvSize
    let matrices = sizes.hiddenSize + 2 * heads + (sizes.hasHeadNorm ? heads : 0)
    let gates = 2 * sizes.intermediateSize
    let modules = Projection.allCases.count
    guard roundsKept(precision) else {
      return 4 * layers * (matrices + gates + modules * rank)
    }
    let rounded = layers * (sizes.hiddenSize + matrices + gates + modules * rank)
    return 2 * rounded + 4 * (matrices + rank)
  }

  private func gradientPerToken(_ sizes: QwenConfiguration) -> Int {
    guard keepsForBackward else { return sizes.intermediateSize }
    let raw = sizes.hasHeadNorm ? sizes.querySize : 0
    return 2 * sizes.hiddenSize + 2 * sizes.querySize + 2 * sizes.kvSize + raw
      + 2 * sizes.intermediateSize
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
    let operand = max(max(tokens + 1, rank) * widest, chunk * headPanel, widened)
    let rounded = precision == .bfloat16 ? MatrixProducts.Slot.allCases.count * operand : 0
    let logits = chunk * headPanel + (keepsForBackward ? sizes.hiddenSize : 0)
    let scores = GroupedQueryAttention.scoresCount(length: sequence)
    let dropped = rank == 0 ? 0 : tokens * widest
    let pair = keepsForBackward ? rank * ActivationBuffer.widestPair(sizes) : 0
    return 2 * rounded
      + 4 * (widened + dropped + 2 * tokens * rank + scores + logits + 2 * chunk + 3 * pair)
  }
}
