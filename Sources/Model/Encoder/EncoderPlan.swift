/// How much memory the activations of one micro-batch of an encoder need.
package struct EncoderPlan: Sendable, Equatable {
  /// Of the largest micro-batch, and tokens of the longest sequence.
  package let tokens: Int, sequences: Int, longestSequence: Int
  /// Bits of attention's dropout mask for one head, at most.
  let maskBitsPerHead: Int
  /// Forward keeps what a backward pass needs; false for scoring alone.
  package let keepsForBackward: Bool

  /// The plan that fits every one of `batches`.
  package init(fitting batches: [ChoiceBatch], keepsForBackward: Bool) {
    tokens = batches.map(\.tokens.count).max() ?? 0
    sequences = batches.map(\.sequences.count).max() ?? 0
    longestSequence = batches.flatMap { $0.sequences.map(\.count) }.max() ?? 0
    maskBitsPerHead = batches.map(Self.maskBitsPerHead).max() ?? 0
    self.keepsForBackward = keepsForBackward
  }

  func fits(_ batch: ChoiceBatch) -> Bool {
    batch.tokens.count <= tokens && batch.sequences.count <= sequences
      && batch.sequences.allSatisfy { $0.count <= longestSequence }
      && Self.maskBitsPerHead(batch) <= maskBitsPerHead
  }

  private static func maskBitsPerHead(_ batch: ChoiceBatch) -> Int {
    GroupedQueryAttention.maskBits(heads: 1, lengths: batch.sequences.map(\.count))
  }

  private init(_ one: EncoderPlan, _ other: EncoderPlan) {
    tokens = max(one.tokens, other.tokens)
    sequences = max(one.sequences, other.sequences)
    longestSequence = max(one.longestSequence, other.longestSequence)
    maskBitsPerHead = max(one.maskBitsPerHead, other.maskBitsPerHead)
    keepsForBackward = one.keepsForBackward || other.keepsForBackward
  }

  /// The plan that fits what either of the two fits.
  package func union(_ other: EncoderPlan) -> EncoderPlan { EncoderPlan(self, other) }

  /// Layers whose activations exist at the same time.
  func keptLayers(_ sizes: EncoderConfiguration) -> Int { keepsForBackward ? sizes.layerCount : 1 }

  /// Elements of the largest operand of a product.
  func operandCount(_ sizes: EncoderConfiguration) -> Int {
    let widest = max(sizes.intermediateSize, 3 * sizes.hiddenSize)
    return max(tokens, sequences, sizes.hiddenSize) * widest
  }

  /// Bytes of all buffers of an `EncoderActivations` with this plan, known before any is allocated.
  package func byteCount(_ sizes: EncoderConfiguration, precision: Precision) -> Int {
    let (hidden, layers) = (sizes.hiddenSize, keptLayers(sizes))
    let kept = layers * (8 * hidden + 4 + sizes.headCount + sizes.intermediateSize)
    let gradients = keepsForBackward ? 7 * hidden + sizes.intermediateSize : 0
    let perToken = kept + 2 * hidden + 2 + sizes.intermediateSize + gradients
    let head = sequences * (3 * hidden + 2 + (keepsForBackward ? hidden : 0))
    let scores = GroupedQueryAttention.scoresCount(length: longestSequence, hasDropout: true)
    let rounded = precision == .bfloat16 ? MatrixProducts.Slot.allCases.count : 0
    return 4 * (tokens * perToken + head + scores) + 2 * rounded * operandCount(sizes)
      + maskBytes(sizes)
  }

  /// Bytes of every dropout mask.
  func maskBytes(_ sizes: EncoderConfiguration) -> Int {
    guard keepsForBackward else { return 0 }
    return hiddenMaskBytes(sizes) + headMaskBytes(sizes) + layerMaskBytes(sizes) * sizes.layerCount
  }

  func hiddenMaskBytes(_ sizes: EncoderConfiguration) -> Int { (tokens * sizes.hiddenSize + 7) / 8 }
  func headMaskBytes(_ sizes: EncoderConfiguration) -> Int {
    (sequences * sizes.hiddenSize + 7) / 8
  }
  func layerMaskBytes(_ sizes: EncoderConfiguration) -> Int {
    2 * hiddenMaskBytes(sizes) + sizes.headCount * maskBitsPerHead / 8
  }
}
