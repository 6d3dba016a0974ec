extension ActivationPlan {
  /// Elements of all buffers of an `ActivationBuffer` with this plan, its scratch included, known before any is allocated.
  ///
  /// Per kept layer and token: hidden x 4 + query x 2 + kv x 2 + intermediate x 2 + modules x rank + heads + 2, with head
  /// norms query + kv + heads + kv heads more; then the gradients of one layer, the rows in the loss, and the scratch.
  ///
  /// - Parameters:
  ///   - rank: Of the adapter; 0 for none.
  ///   - isWidened: The weights are not 32-bit floats, so panels of them are widened.
  package func elementCount(_ sizes: QwenConfiguration, rank: Int, isWidened: Bool = true) -> Int {
    let layers = keepsForBackward ? sizes.layerCount : 1
    let rows = targets * sizes.hiddenSize
    return sizes.hiddenSize * tokens + layers * tokens * keptPerToken(sizes, rank)
      + tokens * gradientPerToken(sizes) + (keepsForBackward ? 4 : 2) * rows + targets
      + scratchCount(sizes, rank, isWidened)
  }

  private func keptPerToken(_ sizes: QwenConfiguration, _ rank: Int) -> Int {
    let plain =
      4 * sizes.hiddenSize + 2 + 2 * sizes.querySize + 2 * sizes.kvSize + sizes.headCount
      + 2 * sizes.intermediateSize + Projection.allCases.count * rank
    guard sizes.hasHeadNorm else { return plain }
    return plain + sizes.querySize + sizes.kvSize + sizes.headCount + sizes.kvHeadCount
  }

  private func gradientPerToken(_ sizes: QwenConfiguration) -> Int {
    guard keepsForBackward else { return sizes.intermediateSize }
    let raw = sizes.hasHeadNorm ? sizes.querySize : 0
    return 2 * sizes.hiddenSize + 2 * sizes.querySize + 2 * sizes.kvSize + raw
      + 3 * sizes.intermediateSize
  }

  private func scratchCount(_ sizes: QwenConfiguration, _ rank: Int, _ isWidened: Bool) -> Int {
    let widest = max(sizes.hiddenSize, sizes.intermediateSize, sizes.querySize)
    let shapes =
      Projection.allCases.map(sizes.shape(of:)) + [
        (out: sizes.vocabularySize, in: sizes.hiddenSize)
      ]
    let panel = shapes.map { max(1, min($0.out, WeightMatrix.panelElements / $0.in)) * $0.in }.max()
    let chunk = min(targets, max(1, CrossEntropy.defaultChunkElements / sizes.vocabularySize))
    return (isWidened ? panel ?? 0 : 0) + (rank == 0 ? 0 : tokens * widest) + tokens * rank
      + GroupedQueryAttention.scoresCount(length: sequence) + chunk * sizes.vocabularySize
  }
}
