/// What one forward pass of an encoder keeps for its backward pass, and the gradients between layers; planned once,
/// reused for ever.
///
/// Buffers with a layer axis hold every layer where the plan keeps them for the backward pass, else one layer.
package struct EncoderActivations: ~Copyable {
  package let plan: EncoderPlan
  let sizes: EncoderConfiguration
  private let keptLayers: Int
  /// [layers + 1, tokens, hidden]: what each block is given, and what the last one gives.
  private let stream: FloatBuffer
  /// [tokens, hidden]: the sum of embeddings; [tokens, 2]: its moments.
  let embedded: FloatBuffer, embeddedMoments: FloatBuffer
  /// [layers, tokens, 3 * hidden]: query, key and value side by side; in the last layer the queries of first tokens, then
  /// keys and values.
  let projected: FloatBuffer
  /// [layers, tokens, hidden] and [layers, tokens, heads].
  let mixed: FloatBuffer, logSumExp: FloatBuffer
  /// [layers, tokens, hidden]: before and after attention's norm, and before the output's.
  let attentionSum: FloatBuffer, middle: FloatBuffer, outputSum: FloatBuffer
  /// [layers, tokens, 2]
  let attentionMoments: FloatBuffer, outputMoments: FloatBuffer
  /// [layers, tokens, intermediate]: before the activation.
  let intermediate: FloatBuffer
  /// Values of one layer: [tokens, intermediate] and [tokens, hidden].
  let activated: FloatBuffer, branch: FloatBuffer
  /// [sequences, hidden]: what the last block is given for first tokens; then of the head; [sequences]: its logits.
  let firstTokens: FloatBuffer, pooled: FloatBuffer, droppedPooled: FloatBuffer
  let logits: FloatBuffer, dLogits: FloatBuffer
  /// Gradients of one layer: [tokens, ...], and of first tokens: [sequences, hidden].
  let dStream: FloatBuffer, dSum: FloatBuffer
  let dProjected: FloatBuffer, dMixed: FloatBuffer, dIntermediate: FloatBuffer
  let dFirstTokens: FloatBuffer
  private let masks: DropoutMasks
  package let scratch: Scratch

  package init(_ plan: EncoderPlan, for model: EncoderModel) {
    let sizes = model.configuration
    let layers = plan.keptLayers(sizes)
    let (tokens, hidden) = (plan.tokens, sizes.hiddenSize)
    let back = plan.keepsForBackward ? tokens : 0
    func perLayer(_ width: Int) -> FloatBuffer { FloatBuffer(count: layers * tokens * width) }
    func gradient(_ width: Int) -> FloatBuffer { FloatBuffer(count: back * width) }
    func perSequence(_ width: Int) -> FloatBuffer { FloatBuffer(count: plan.sequences * width) }
    self.plan = plan
    self.sizes = sizes
    keptLayers = layers
    stream = FloatBuffer(count: (layers + (plan.keepsForBackward ? 1 : 0)) * tokens * hidden)
    embedded = FloatBuffer(count: tokens * hidden)
    embeddedMoments = FloatBuffer(count: tokens * 2)
    projected = perLayer(3 * hidden)
    mixed = perLayer(hidden)
    logSumExp = perLayer(sizes.headCount)
    attentionSum = perLayer(hidden)
    middle = perLayer(hidden)
    outputSum = perLayer(hidden)
    attentionMoments = perLayer(2)
    outputMoments = perLayer(2)
    intermediate = perLayer(sizes.intermediateSize)
    activated = FloatBuffer(count: tokens * sizes.intermediateSize)
    branch = FloatBuffer(count: tokens * hidden)
    firstTokens = perSequence(hidden)
    pooled = perSequence(hidden)
    droppedPooled = perSequence(hidden)
    logits = perSequence(1)
    dLogits = perSequence(1)
    dStream = gradient(hidden)
    dSum = gradient(hidden)
    dProjected = gradient(3 * hidden)
    dMixed = gradient(hidden)
    dIntermediate = gradient(sizes.intermediateSize)
    dFirstTokens = FloatBuffer(count: plan.keepsForBackward ? plan.sequences * hidden : 0)
    masks = DropoutMasks(byteCount: plan.maskBytes(sizes))
    scratch = Scratch(
      MatrixProducts(model.precision, operand: plan.operandCount(sizes)),
      scores: GroupedQueryAttention.scoresCount(length: plan.longestSequence, hasDropout: true))
  }

  /// The part of a buffer with a layer axis that belongs to `layer`: [tokens, width].
  @_lifetime(borrow buffer)
  func slice(
    _ buffer: borrowing FloatBuffer, _ layer: Int, _ tokens: Int, _ width: Int
  ) -> MutableMatrixView {
    buffer.matrix(tokens, width, at: slot(layer) * plan.tokens * width)
  }

  /// Which part of a buffer with a layer axis belongs to `layer`.
  func slot(_ layer: Int) -> Int { min(layer, keptLayers - 1) }

  /// What `layer` is given, or after the last one, of first tokens alone: [tokens, hidden].
  ///
  /// Without a backward pass there is one, which every layer overwrites.
  @_lifetime(borrow self)
  func stream(_ layer: Int, _ tokens: Int) -> MutableMatrixView {
    let index = plan.keepsForBackward ? layer : 0
    return stream.matrix(tokens, sizes.hiddenSize, at: index * plan.tokens * sizes.hiddenSize)
  }

  // MARK: Dropout masks, all of them empty without a backward pass

  @_lifetime(borrow self)
  func embeddingMask(_ tokens: Int) -> DropoutMask { mask(tokens * sizes.hiddenSize, at: 0) }

  @_lifetime(borrow self)
  func headMask(_ sequences: Int) -> DropoutMask {
    mask(sequences * sizes.hiddenSize, at: plan.hiddenMaskBytes(sizes))
  }

  @_lifetime(borrow self)
  func attentionOutputMask(_ layer: Int, _ tokens: Int) -> DropoutMask {
    mask(tokens * sizes.hiddenSize, at: layerMasks(layer))
  }

  @_lifetime(borrow self)
  func outputMask(_ layer: Int, _ tokens: Int) -> DropoutMask {
    mask(tokens * sizes.hiddenSize, at: layerMasks(layer) + plan.hiddenMaskBytes(sizes))
  }

  @_lifetime(borrow self)
  func probabilityMask(_ layer: Int, bits: Int) -> DropoutMask {
    mask(bits, at: layerMasks(layer) + 2 * plan.hiddenMaskBytes(sizes))
  }

  private func layerMasks(_ layer: Int) -> Int {
    plan.hiddenMaskBytes(sizes) + plan.headMaskBytes(sizes) + layer * plan.layerMaskBytes(sizes)
  }

  @_lifetime(borrow self)
  private func mask(_ count: Int, at offset: Int) -> DropoutMask {
    plan.keepsForBackward ? masks.mask(count, at: offset) : masks.mask(0)
  }
}
