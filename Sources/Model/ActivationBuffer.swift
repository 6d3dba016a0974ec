/// What one forward pass keeps for its backward pass, and the gradients between layers; planned once, reused for ever.
///
/// Buffers with a layer axis hold every layer where the plan keeps them for the backward pass, else one layer.
package struct ActivationBuffer: ~Copyable {
  package let plan: ActivationPlan
  let sizes: QwenConfiguration
  let rank: Int
  private let keptLayers: Int
  /// [layers + 1, tokens, hidden]: the residual stream before a block; of the one at work where `plan` does not keep it.
  private let residual: FloatBuffer
  /// [layers, tokens, hidden]: the same rounded, and the residual stream between a block's halves.
  private let roundedInput: BFloat16Buffer
  let middle: KeptMatrix
  /// [rows, hidden]: the latter of the last layer, where its MLP has but the few rows in the loss.
  let keptMiddle: FloatBuffer
  /// The normalised input of attention or MLP, made again from the residual stream where it is needed: [tokens, hidden].
  let normed: FloatBuffer
  /// [layers, tokens]: 1 / rms of the residual stream before attention and MLP.
  let attentionInverseRMS: FloatBuffer, mlpInverseRMS: FloatBuffer
  /// [layers, tokens, heads * headSize] and [layers, tokens, kvHeads * headSize]: after rotation.
  let query: KeptMatrix, key: KeptMatrix, value: KeptMatrix
  /// The same before the head norm, where there is one; [layers, tokens, heads] and kvHeads: 1 / rms.
  let rawQuery: KeptMatrix, rawKey: KeptMatrix
  let queryInverseRMS: FloatBuffer, keyInverseRMS: FloatBuffer
  /// [layers, tokens, heads * headSize] and [layers, tokens, heads].
  let attention: KeptMatrix
  let logSumExp: FloatBuffer
  let gates: KeptGates
  /// [layers, modules, tokens, rank]: x A^T of every adapted projection.
  private let lowRank: KeptMatrix
  /// [layers, modules, tokens, in] bits: what dropout keeps of every adapted projection's input; empty without dropout.
  private let masks: DropoutMasks
  private let hasDropout: Bool
  /// [targets, hidden] and [targets]: the rows in the loss, before and after the final norm, their gradients, the losses.
  let lossInput: FloatBuffer, lossNormed: FloatBuffer, lossGradient: FloatBuffer
  let lossInverseRMS: FloatBuffer, losses: FloatBuffer
  /// Gradients (or, without a layer axis, values) of one layer: [tokens, ...].
  let dResidual: FloatBuffer, dNormed: FloatBuffer
  let dQuery: FloatBuffer, dKey: FloatBuffer, dValue: FloatBuffer, dRaw: FloatBuffer
  let dAttention: FloatBuffer
  /// The gated activation or the gradient of up, and the gradients of either or of the gate.
  let gated: FloatBuffer, dGated: FloatBuffer
  /// [layers, cached tokens, kvHeads * headSize]: keys and values of the passes before.
  let cachedKey: FloatBuffer, cachedValue: FloatBuffer
  package let scratch: Scratch

  package init(_ plan: ActivationPlan, for model: QwenModel) {
    let sizes = model.configuration
    let layers = plan.keptLayers(of: sizes.layerCount)
    keptLayers = layers
    let tokens = plan.tokens
    let rank = model.layout?.configuration.rank ?? 0
    let back = plan.keepsForBackward ? tokens : 0
    func perLayer(_ width: Int) -> FloatBuffer { FloatBuffer(count: layers * tokens * width) }
    let rounds = plan.roundsKept(model.precision)
    func kept(_ width: Int, each count: Int = 1) -> KeptMatrix {
      KeptMatrix(layers: layers * count, tokens: tokens, width: width, rounds: rounds)
    }
    func gradient(_ width: Int) -> FloatBuffer { FloatBuffer(count: back * width) }
    self.plan = plan
    self.sizes = sizes
    self.rank = rank
    let streams = plan.keepsResidual(model.precision) ? sizes.layerCount + 1 : 1
    residual = FloatBuffer(count: streams * tokens * sizes.hiddenSize)
    roundedInput = BFloat16Buffer(count: rounds ? layers * tokens * sizes.hiddenSize : 0)
    middle = kept(sizes.hiddenSize)
    keptMiddle = FloatBuffer(
      count: LossRows.most(targets: plan.targets, tokens: tokens) * sizes.hiddenSize)
    normed = FloatBuffer(count: tokens * sizes.hiddenSize)
    attentionInverseRMS = perLayer(1)
    mlpInverseRMS = perLayer(1)
    query = kept(sizes.querySize)
    key = kept(sizes.kvSize)
    value = kept(sizes.kvSize)
    let raw = sizes.hasHeadNorm ? 1 : 0
    rawQuery = kept(raw * sizes.querySize)
    rawKey = kept(raw * sizes.kvSize)
    queryInverseRMS = perLayer(raw * sizes.headCount)
    keyInverseRMS = perLayer(raw * sizes.kvHeadCount)
    attention = kept(sizes.querySize)
    logSumExp = perLayer(sizes.headCount)
    gates = KeptGates(plan, model.precision, layers: layers, width: sizes.intermediateSize)
    lowRank = kept(rank, each: Projection.allCases.count)
    hasDropout = (model.layout?.configuration.dropout ?? 0) > 0
    masks = DropoutMasks(byteCount: hasDropout ? layers * plan.maskBytes(sizes) : 0)
    lossInput = FloatBuffer(count: plan.targets * sizes.hiddenSize)
    lossNormed = FloatBuffer(count: plan.targets * sizes.hiddenSize)
    lossInverseRMS = FloatBuffer(count: plan.targets)
    losses = FloatBuffer(count: plan.keepsForBackward ? plan.targets : 0)
    lossGradient = FloatBuffer(
      count: plan.keepsForBackward ? 2 * plan.targets * sizes.hiddenSize : 0)
    dResidual = gradient(sizes.hiddenSize)
    dNormed = gradient(sizes.hiddenSize)
    dQuery = gradient(sizes.querySize)
    dKey = gradient(sizes.kvSize)
    dValue = gradient(sizes.kvSize)
    dRaw = gradient(raw * sizes.querySize)
    dAttention = gradient(sizes.querySize)
    gated = FloatBuffer(count: tokens * sizes.intermediateSize)
    dGated = gradient(sizes.intermediateSize)
    let cached = sizes.layerCount * plan.cachedTokens * sizes.kvSize
    cachedKey = FloatBuffer(count: cached)
    cachedValue = FloatBuffer(count: cached)
    scratch = Self.scratch(plan, model, rank)
  }

  private static func scratch(
    _ plan: ActivationPlan, _ model: QwenModel, _ rank: Int
  ) -> Scratch {
    let (sizes, tokens) = (model.configuration, plan.tokens)
    let widest = max(sizes.hiddenSize, sizes.intermediateSize, sizes.querySize)
    let chunk = min(plan.targets, model.crossEntropy.chunkRows(model.precision))
    let headPanel = model.crossEntropy.panelRows(model.precision)
    let products = MatrixProducts(
      model.precision, panel: model.panelCount,
      operand: max(max(tokens + 1, rank) * widest, chunk * headPanel))
    return Scratch(
      products, dropped: rank == 0 ? 0 : tokens * widest, lowRank: tokens * rank,
      scores: GroupedQueryAttention.scoresCount(length: plan.sequence),
      logits: chunk * headPanel, logitRows: chunk,
      headRow: plan.keepsForBackward ? sizes.hiddenSize : 0,
      pairGradient: plan.keepsForBackward ? rank * Self.widestPair(sizes) : 0)
  }

  /// The most rows and columns that a frozen projection has together.
  static func widestPair(_ sizes: QwenConfiguration) -> Int {
    Projection.allCases.map(sizes.shape(of:)).map { $0.in + $0.out }.max() ?? 0
  }

  /// The part of a buffer with a layer axis that belongs to `layer`: [tokens, width].
  @_lifetime(borrow buffer)
  func slice(
    _ buffer: borrowing FloatBuffer, _ layer: Int, _ tokens: Int, _ width: Int
  ) -> MutableMatrixView {
    buffer.matrix(tokens, width, at: min(layer, keptLayers - 1) * plan.tokens * width)
  }

  /// The residual stream before `layer`, or after the last one: [tokens, hidden].
  ///
  /// Where the plan does not keep it there is one, which every layer overwrites.
  @_lifetime(borrow self)
  func residual(_ layer: Int, _ tokens: Int) -> MutableMatrixView {
    let index = plan.keepsResidual(scratch.products.precision) ? layer : 0
    return residual.matrix(tokens, sizes.hiddenSize, at: index * plan.tokens * sizes.hiddenSize)
  }

  /// Keeps the residual stream before `layer` as its backward pass will have it.
  func keepInput(_ layer: Int, _ tokens: Int) {
    guard plan.roundsKept(scratch.products.precision) else { return }
    roundedInput.round(residual(layer, tokens).view, at: inputStart(layer))
  }

  /// What `keepInput` kept, where the residual stream itself was: [tokens, hidden].
  @_lifetime(borrow self)
  func input(_ layer: Int, _ tokens: Int) -> MatrixView {
    let input = residual(layer, tokens)
    if plan.roundsKept(scratch.products.precision) {
      roundedInput.widen(from: inputStart(layer), into: input)
    }
    return input.view
  }

  private func inputStart(_ layer: Int) -> Int {
    min(layer, keptLayers - 1) * plan.tokens * sizes.hiddenSize
  }

  /// Where x A^T of one projection of one layer is computed: [tokens, rank].
  @_lifetime(borrow self)
  func lowRank(_ layer: Int, _ projection: Projection, _ tokens: Int) -> MutableMatrixView {
    lowRank.current(lowRankIndex(layer, projection), tokens)
  }

  func keepLowRank(_ layer: Int, _ projection: Projection, _ tokens: Int) {
    lowRank.keep(lowRankIndex(layer, projection), tokens)
  }

  /// What `keepLowRank` kept.
  @_lifetime(borrow self)
  func keptLowRank(_ layer: Int, _ projection: Projection, _ tokens: Int) -> MatrixView {
    lowRank.again(lowRankIndex(layer, projection), tokens)
  }

  private func lowRankIndex(_ layer: Int, _ projection: Projection) -> Int {
    min(layer, keptLayers - 1) * Projection.allCases.count + projection.rawValue
  }

  /// Keys or values of one layer that were kept from the passes before: [cached tokens, kvHeads * headSize].
  @_lifetime(borrow buffer)
  func cached(_ buffer: borrowing FloatBuffer, _ layer: Int) -> MutableMatrixView {
    buffer.matrix(
      plan.cachedTokens, sizes.kvSize, at: layer * plan.cachedTokens * sizes.kvSize)
  }

  /// The dropout mask of one projection's input; without dropout none.
  @_lifetime(borrow self)
  func mask(_ layer: Int, _ projection: Projection, _ tokens: Int) -> DropoutMask {
    guard hasDropout else { return masks.mask(0) }
    let before = min(layer, keptLayers - 1) * plan.maskBytes(sizes)
    let offset = Projection.allCases.prefix(projection.rawValue).reduce(before) {
      $0 + plan.maskBytes(sizes, $1)
    }
    return masks.mask(tokens * sizes.shape(of: projection).in, at: offset)
  }
}
