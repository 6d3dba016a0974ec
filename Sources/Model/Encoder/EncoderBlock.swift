/// One block of an encoder: attention and MLP, each added to its input and normalised behind.
package struct EncoderBlock: Sendable {
  let layer: Int
  /// Query, key and value in one product: [3 * hidden, hidden].
  let projections: TrainableLinear
  let attentionOutput: TrainableLinear, intermediate: TrainableLinear, output: TrainableLinear
  let attentionNorm: LayerNorm, outputNorm: LayerNorm
  let attention: GroupedQueryAttention
  private let dropsAttentionOutput: Bool

  init(
    _ layer: Int, _ configuration: EncoderConfiguration, placingIn layout: inout ParameterLayout
  ) {
    let names = EncoderNames(configuration.architecture)
    let (hidden, wide) = (configuration.hiddenSize, configuration.intermediateSize)
    self.layer = layer
    outputNorm = layout.norm(names.outputNorm(layer), configuration)
    output = layout.linear([names.output(layer)], outputs: hidden, inputs: wide)
    intermediate = layout.linear([names.intermediate(layer)], outputs: wide, inputs: hidden)
    attentionNorm = layout.norm(names.attentionNorm(layer), configuration)
    attentionOutput = layout.linear(
      [names.attentionOutput(layer)], outputs: hidden, inputs: hidden)
    projections = layout.linear(names.projections(layer), outputs: hidden, inputs: hidden)
    attention = GroupedQueryAttention(
      heads: configuration.headCount, kvHeads: configuration.headCount,
      headSize: configuration.headSize, isCausal: false)
    dropsAttentionOutput = configuration.dropsAttentionOutput
  }

  /// What is the same for every block of a pass.
  struct Pass {
    let sequences: [Range<Int>]
    let tokens: Int
    let dropout: EncoderDropout?
    let maskBits: Int

    init(_ batch: ChoiceBatch, _ heads: Int, _ dropout: EncoderDropout?) {
      sequences = batch.sequences
      tokens = batch.tokens.count
      self.dropout = dropout
      maskBits = GroupedQueryAttention.maskBits(heads: heads, lengths: sequences.map(\.count))
    }
  }

  /// m = norm(x + drop(attention(x))), y = norm(m + drop(MLP(m))).
  func forward(
    _ pass: Pass, _ parameters: borrowing FloatBuffer, _ a: borrowing EncoderActivations
  ) {
    forwardAttention(pass, parameters, a)
    forwardMLP(pass, parameters, a)
  }

  /// Turns the gradient of the output in `a.dStream` into that of the input, adding the parameters'.
  func backward(
    _ pass: Pass, _ parameters: borrowing FloatBuffer,
    accumulatingInto gradients: borrowing FloatBuffer, _ a: borrowing EncoderActivations
  ) {
    backwardMLP(pass, parameters, accumulatingInto: gradients, a)
    backwardAttention(pass, parameters, accumulatingInto: gradients, a)
  }

  // MARK: Attention

  private func forwardAttention(
    _ pass: Pass, _ parameters: borrowing FloatBuffer, _ a: borrowing EncoderActivations
  ) {
    let (n, hidden) = (pass.tokens, a.sizes.hiddenSize)
    let x = a.stream(layer, n)
    let projected = a.slice(a.projected, layer, n, 3 * hidden)
    projections.forward(x.view, parameters, into: projected, a.scratch.products)
    a.scratch.profile.lap(.products)
    let mixed = a.slice(a.mixed, layer, n, hidden)
    drawProbabilityMask(pass, a)
    attention.forward(
      q: projected.view.columns(0..<hidden), k: projected.view.columns(hidden..<2 * hidden),
      v: projected.view.columns(2 * hidden..<3 * hidden), sequences: pass.sequences,
      dropping: dropping(pass, a), into: mixed,
      logSumExp: a.slice(a.logSumExp, layer, n, a.sizes.headCount), scratch: a.scratch)
    a.scratch.profile.lap(.attention)
    let branch = a.branch.matrix(n, hidden)
    attentionOutput.forward(mixed.view, parameters, into: branch, a.scratch.products)
    a.scratch.profile.lap(.products)
    let sum = a.slice(a.attentionSum, layer, n, hidden)
    sum.copy(from: x.view)
    if let dropout = attentionOutputDropout(pass) {
      dropout.forward(
        branch.view, module: EncoderDropout.Place.attentionOutput(layer: layer).module,
        mask: a.attentionOutputMask(layer, n), accumulatingInto: sum)
    } else {
      sum.add(branch.view)
    }
    attentionNorm.forward(
      sum.view, parameters, into: a.slice(a.middle, layer, n, hidden),
      moments: a.slice(a.attentionMoments, layer, n, 2))
    a.scratch.profile.lap(.elementWise)
  }

  /// Given the gradient of the attention half's output in `a.dSum`, leaves that of its input in `a.dStream`.
  private func backwardAttention(
    _ pass: Pass, _ parameters: borrowing FloatBuffer,
    accumulatingInto gradients: borrowing FloatBuffer, _ a: borrowing EncoderActivations
  ) {
    let (n, hidden) = (pass.tokens, a.sizes.hiddenSize)
    let dx = a.dStream.matrix(n, hidden)
    attentionNorm.backward(
      a.dSum.matrix(n, hidden).view, x: a.slice(a.attentionSum, layer, n, hidden).view,
      moments: a.slice(a.attentionMoments, layer, n, 2).view, parameters, into: dx,
      accumulatingIntoParameters: gradients)
    let branch = a.branch.matrix(n, hidden)
    attentionOutputDropout(pass)?.apply(
      dx.view, mask: a.attentionOutputMask(layer, n), into: branch)
    a.scratch.profile.lap(.elementWise)
    let dBranch = attentionOutputDropout(pass) == nil ? dx.view : branch.view
    let dOutput = a.scratch.products.operand(dBranch, in: .first)
    let dMixed = a.dMixed.matrix(n, hidden)
    let mixed = a.slice(a.mixed, layer, n, hidden).view
    attentionOutput.backward(dOutput, parameters, into: dMixed, a.scratch.products)
    attentionOutput.backward(
      dBranch, dOutput, x: mixed, accumulatingIntoParameters: gradients, a.scratch.products)
    a.scratch.profile.lap(.products)
    let dProjected = a.dProjected.matrix(n, 3 * hidden)
    mixBack(pass, dMixed.view, mixed: mixed, into: dProjected, a)
    let dProjections = a.scratch.products.operand(dProjected.view, in: .first)
    projections.backward(dProjections, parameters, accumulatingInto: dx, a.scratch.products)
    projections.backward(
      dProjected.view, dProjections, x: a.stream(layer, n).view,
      accumulatingIntoParameters: gradients, a.scratch.products)
    a.scratch.profile.lap(.products)
  }

  private func mixBack(
    _ pass: Pass, _ dMixed: MatrixView, mixed: MatrixView, into dProjected: MutableMatrixView,
    _ a: borrowing EncoderActivations
  ) {
    let (n, hidden) = (pass.tokens, a.sizes.hiddenSize)
    let projected = a.slice(a.projected, layer, n, 3 * hidden).view
    dProjected.zero()
    attention.backward(
      dMixed, q: projected.columns(0..<hidden), k: projected.columns(hidden..<2 * hidden),
      v: projected.columns(2 * hidden..<3 * hidden), output: mixed,
      logSumExp: a.slice(a.logSumExp, layer, n, a.sizes.headCount).view,
      sequences: pass.sequences, dropping: dropping(pass, a),
      accumulatingIntoQ: dProjected.columns(0..<hidden),
      k: dProjected.columns(hidden..<2 * hidden), v: dProjected.columns(2 * hidden..<3 * hidden),
      scratch: a.scratch)
    a.scratch.profile.lap(.attention)
  }

  private func attentionOutputDropout(_ pass: Pass) -> Dropout? {
    dropsAttentionOutput ? pass.dropout?.hidden : nil
  }

  private func drawProbabilityMask(_ pass: Pass, _ a: borrowing EncoderActivations) {
    pass.dropout?.attention?.draw(
      pass.maskBits, module: EncoderDropout.Place.probabilities(layer: layer).module,
      a.probabilityMask(layer, bits: pass.maskBits))
  }

  @_lifetime(borrow a)
  private func dropping(
    _ pass: Pass, _ a: borrowing EncoderActivations
  ) -> GroupedQueryAttention.Dropping? {
    GroupedQueryAttention.Dropping(
      pass.dropout?.attention, a.probabilityMask(layer, bits: pass.maskBits))
  }

  // MARK: MLP

  private func forwardMLP(
    _ pass: Pass, _ parameters: borrowing FloatBuffer, _ a: borrowing EncoderActivations
  ) {
    let (n, hidden) = (pass.tokens, a.sizes.hiddenSize)
    let middle = a.slice(a.middle, layer, n, hidden).view
    let wide = a.slice(a.intermediate, layer, n, a.sizes.intermediateSize)
    let activated = a.activated.matrix(n, a.sizes.intermediateSize)
    intermediate.forward(middle, parameters, into: wide, a.scratch.products)
    a.scratch.profile.lap(.products)
    GELU.forward(wide.view, into: activated)
    a.scratch.profile.lap(.elementWise)
    let branch = a.branch.matrix(n, hidden)
    output.forward(activated.view, parameters, into: branch, a.scratch.products)
    a.scratch.profile.lap(.products)
    let sum = a.slice(a.outputSum, layer, n, hidden)
    sum.copy(from: middle)
    if let dropout = pass.dropout?.hidden {
      dropout.forward(
        branch.view, module: EncoderDropout.Place.output(layer: layer).module,
        mask: a.outputMask(layer, n), accumulatingInto: sum)
    } else {
      sum.add(branch.view)
    }
    outputNorm.forward(
      sum.view, parameters, into: a.stream(layer + 1, n),
      moments: a.slice(a.outputMoments, layer, n, 2))
    a.scratch.profile.lap(.elementWise)
  }

  /// Given the gradient of the block's output in `a.dStream`, leaves that of the MLP half's input in `a.dSum`.
  private func backwardMLP(
    _ pass: Pass, _ parameters: borrowing FloatBuffer,
    accumulatingInto gradients: borrowing FloatBuffer, _ a: borrowing EncoderActivations
  ) {
    let (n, hidden) = (pass.tokens, a.sizes.hiddenSize)
    let dSum = a.dSum.matrix(n, hidden)
    outputNorm.backward(
      a.dStream.matrix(n, hidden).view, x: a.slice(a.outputSum, layer, n, hidden).view,
      moments: a.slice(a.outputMoments, layer, n, 2).view, parameters, into: dSum,
      accumulatingIntoParameters: gradients)
    let branch = a.branch.matrix(n, hidden)
    pass.dropout?.hidden?.apply(dSum.view, mask: a.outputMask(layer, n), into: branch)
    a.scratch.profile.lap(.elementWise)
    let dBranch = pass.dropout?.hidden == nil ? dSum.view : branch.view
    let dOutput = a.scratch.products.operand(dBranch, in: .first)
    let dWide = a.dIntermediate.matrix(n, a.sizes.intermediateSize)
    output.backward(dOutput, parameters, into: dWide, a.scratch.products)
    a.scratch.profile.lap(.products)
    let activated = a.activated.matrix(n, a.sizes.intermediateSize)
    GELU.backward(
      x: a.slice(a.intermediate, layer, n, a.sizes.intermediateSize).view, scaling: dWide,
      remaking: activated)
    a.scratch.profile.lap(.elementWise)
    output.backward(
      dBranch, dOutput, x: activated.view, accumulatingIntoParameters: gradients,
      a.scratch.products)
    let dActivation = a.scratch.products.operand(dWide.view, in: .first)
    intermediate.backward(dActivation, parameters, accumulatingInto: dSum, a.scratch.products)
    intermediate.backward(
      dWide.view, dActivation, x: a.slice(a.middle, layer, n, hidden).view,
      accumulatingIntoParameters: gradients, a.scratch.products)
    a.scratch.profile.lap(.products)
  }
}
