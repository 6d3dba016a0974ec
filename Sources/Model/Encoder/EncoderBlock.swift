/// One block of an encoder: attention and MLP, each added to its input and normalised behind.
///
/// The head reads the first token of each sequence alone. So the last block makes keys and values of all tokens, and
/// everything else of first tokens.
package struct EncoderBlock: Sendable {
  let layer: Int
  private let isLast: Bool
  /// Query, key and value in one product: [3 * hidden, hidden]; the parts of it that the last block uses apart.
  let projections: TrainableLinear, queries: TrainableLinear, keysValues: TrainableLinear
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
    queries = projections.part(0..<hidden)
    keysValues = projections.part(hidden..<3 * hidden)
    isLast = layer == configuration.layerCount - 1
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
    /// The sequences for attention: with the queries of all tokens, and with those of first tokens alone, which lie one
    /// after the other.
    let whole: [PackedSequence], firsts: [PackedSequence]
    let firstMaskBits: Int

    init(_ batch: ChoiceBatch, _ heads: Int, _ dropout: EncoderDropout?) {
      sequences = batch.sequences
      tokens = batch.tokens.count
      self.dropout = dropout
      let lengths = sequences.map(\.count)
      maskBits = GroupedQueryAttention.maskBits(heads: heads, lengths: lengths)
      whole = sequences.map { PackedSequence(rows: $0) }
      firsts = sequences.enumerated().map {
        PackedSequence(rows: $0.element, queries: $0.offset..<$0.offset + 1)
      }
      firstMaskBits = GroupedQueryAttention.maskBits(heads: heads, lengths: lengths, queries: 1)
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
    accumulatingInto gradients: borrowing FloatBuffer, _ a: borrowing EncoderActivations,
    completed: (_ end: Int) -> Void
  ) {
    backwardMLP(pass, parameters, accumulatingInto: gradients, a, completed)
    backwardAttention(pass, parameters, accumulatingInto: gradients, a, completed)
  }

  // MARK: Attention

  private func forwardAttention(
    _ pass: Pass, _ parameters: borrowing FloatBuffer, _ a: borrowing EncoderActivations
  ) {
    let (rows, hidden) = (rows(pass), a.sizes.hiddenSize)
    project(pass, parameters, a)
    let mixed = a.slice(a.mixed, layer, rows, hidden)
    pass.dropout?.attention?.draw(
      maskBits(pass), module: EncoderDropout.Place.probabilities(layer: layer).module,
      a.probabilityMask(layer, bits: maskBits(pass)))
    attention.forward(
      q: part(0, of: a.projected, a.slot(layer), pass, a).view,
      k: part(1, of: a.projected, a.slot(layer), pass, a).view,
      v: part(2, of: a.projected, a.slot(layer), pass, a).view,
      sequences: isLast ? pass.firsts : pass.whole, dropping: dropping(pass, a), into: mixed,
      logSumExp: a.slice(a.logSumExp, layer, rows, a.sizes.headCount), scratch: a.scratch)
    a.scratch.profile.lap(.attention)
    let branch = a.branch.matrix(rows, hidden)
    attentionOutput.forward(mixed.view, parameters, into: branch, a.scratch.products)
    a.scratch.profile.lap(.products)
    let sum = a.slice(a.attentionSum, layer, rows, hidden)
    sum.copy(from: input(pass, a).view)
    if let dropout = attentionOutputDropout(pass) {
      dropout.forward(
        branch.view, module: EncoderDropout.Place.attentionOutput(layer: layer).module,
        mask: a.attentionOutputMask(layer, rows), accumulatingInto: sum)
    } else {
      sum.add(branch.view)
    }
    attentionNorm.forward(
      sum.view, parameters, into: a.slice(a.middle, layer, rows, hidden),
      moments: a.slice(a.attentionMoments, layer, rows, 2))
    a.scratch.profile.lap(.elementWise)
  }

  private func project(
    _ pass: Pass, _ parameters: borrowing FloatBuffer, _ a: borrowing EncoderActivations
  ) {
    let (n, hidden) = (pass.tokens, a.sizes.hiddenSize)
    let x = a.stream(layer, n)
    if isLast {
      let first = input(pass, a)
      for (index, sequence) in pass.sequences.enumerated() {
        first.rows(index..<index + 1).copy(
          from: x.view.rows(sequence.lowerBound..<sequence.lowerBound + 1))
      }
      queries.forward(
        first.view, parameters, into: part(0, of: a.projected, a.slot(layer), pass, a),
        a.scratch.products)
      keysValues.forward(
        x.view, parameters, into: keysAndValues(a.projected, a.slot(layer), pass, a),
        a.scratch.products)
    } else {
      projections.forward(
        x.view, parameters, into: a.slice(a.projected, layer, n, 3 * hidden), a.scratch.products)
    }
    a.scratch.profile.lap(.products)
  }

  /// Given the gradient of the attention half's output in `a.dSum`, leaves that of its input in `a.dStream`.
  private func backwardAttention(
    _ pass: Pass, _ parameters: borrowing FloatBuffer,
    accumulatingInto gradients: borrowing FloatBuffer, _ a: borrowing EncoderActivations,
    _ completed: (_ end: Int) -> Void
  ) {
    let (rows, hidden) = (rows(pass), a.sizes.hiddenSize)
    let dx = isLast ? a.dFirstTokens.matrix(rows, hidden) : a.dStream.matrix(rows, hidden)
    attentionNorm.backward(
      a.dSum.matrix(rows, hidden).view, x: a.slice(a.attentionSum, layer, rows, hidden).view,
      moments: a.slice(a.attentionMoments, layer, rows, 2).view, parameters, into: dx,
      accumulatingIntoParameters: gradients)
    let branch = a.branch.matrix(rows, hidden)
    attentionOutputDropout(pass)?.apply(
      dx.view, mask: a.attentionOutputMask(layer, rows), into: branch)
    a.scratch.profile.lap(.elementWise)
    let dBranch = attentionOutputDropout(pass) == nil ? dx.view : branch.view
    let dOutput = a.scratch.products.operand(dBranch, in: .first)
    let dMixed = a.dMixed.matrix(rows, hidden)
    let mixed = a.slice(a.mixed, layer, rows, hidden).view
    attentionOutput.backward(dOutput, parameters, into: dMixed, a.scratch.products)
    attentionOutput.backward(
      dBranch, dOutput, x: mixed, accumulatingIntoParameters: gradients, a.scratch.products)
    a.scratch.profile.lap(.products)
    completed(attentionOutput.end)
    a.scratch.profile.begin()
    mixBack(pass, dMixed.view, mixed: mixed, a)
    projectBack(pass, parameters, dx, accumulatingInto: gradients, a)
    completed(projections.end)
    a.scratch.profile.begin()
  }

  private func mixBack(
    _ pass: Pass, _ dMixed: MatrixView, mixed: MatrixView, _ a: borrowing EncoderActivations
  ) {
    let slot = a.slot(layer)
    let dq = part(0, of: a.dProjected, 0, pass, a)
    let dk = part(1, of: a.dProjected, 0, pass, a)
    let dv = part(2, of: a.dProjected, 0, pass, a)
    dq.zero()
    dk.zero()
    dv.zero()
    attention.backward(
      dMixed, q: part(0, of: a.projected, slot, pass, a).view,
      k: part(1, of: a.projected, slot, pass, a).view,
      v: part(2, of: a.projected, slot, pass, a).view, output: mixed,
      logSumExp: a.slice(a.logSumExp, layer, rows(pass), a.sizes.headCount).view,
      sequences: isLast ? pass.firsts : pass.whole,
      dropping: dropping(pass, a), accumulatingIntoQ: dq, k: dk, v: dv, scratch: a.scratch)
    a.scratch.profile.lap(.attention)
  }

  /// Adds what comes through the projections to `dx`, and leaves the sum in `a.dStream`.
  private func projectBack(
    _ pass: Pass, _ parameters: borrowing FloatBuffer, _ dx: MutableMatrixView,
    accumulatingInto gradients: borrowing FloatBuffer, _ a: borrowing EncoderActivations
  ) {
    let (n, hidden, x) = (pass.tokens, a.sizes.hiddenSize, a.stream(layer, pass.tokens).view)
    if isLast {
      let dq = part(0, of: a.dProjected, 0, pass, a)
      let dQueries = a.scratch.products.operand(dq.view, in: .first)
      queries.backward(dQueries, parameters, accumulatingInto: dx, a.scratch.products)
      queries.backward(
        dq.view, dQueries, x: input(pass, a).view, accumulatingIntoParameters: gradients,
        a.scratch.products)
      let dkv = keysAndValues(a.dProjected, 0, pass, a)
      let dKeysValues = a.scratch.products.operand(dkv.view, in: .first)
      let dAll = a.dStream.matrix(n, hidden)
      keysValues.backward(dKeysValues, parameters, into: dAll, a.scratch.products)
      keysValues.backward(
        dkv.view, dKeysValues, x: x, accumulatingIntoParameters: gradients, a.scratch.products)
      for (index, sequence) in pass.sequences.enumerated() {
        dAll.rows(sequence.lowerBound..<sequence.lowerBound + 1).add(
          dx.view.rows(index..<index + 1))
      }
    } else {
      let dProjected = a.dProjected.matrix(n, 3 * hidden)
      let dProjections = a.scratch.products.operand(dProjected.view, in: .first)
      projections.backward(dProjections, parameters, accumulatingInto: dx, a.scratch.products)
      projections.backward(
        dProjected.view, dProjections, x: x, accumulatingIntoParameters: gradients,
        a.scratch.products)
    }
    a.scratch.profile.lap(.products)
  }

  // MARK: What the last block has of first tokens alone

  private func rows(_ pass: Pass) -> Int { isLast ? pass.sequences.count : pass.tokens }
  private func maskBits(_ pass: Pass) -> Int { isLast ? pass.firstMaskBits : pass.maskBits }

  /// What the block adds to: [rows, hidden].
  @_lifetime(borrow a)
  private func input(_ pass: Pass, _ a: borrowing EncoderActivations) -> MutableMatrixView {
    isLast
      ? a.firstTokens.matrix(pass.sequences.count, a.sizes.hiddenSize)
      : a.stream(layer, pass.tokens)
  }

  /// Query, key or value, or the gradient of one.
  @_lifetime(borrow buffer)
  private func part(
    _ index: Int, of buffer: borrowing FloatBuffer, _ slot: Int, _ pass: Pass,
    _ a: borrowing EncoderActivations
  ) -> MutableMatrixView {
    let hidden = a.sizes.hiddenSize
    let start = slot * a.plan.tokens * 3 * hidden
    if !isLast {
      return buffer.matrix(pass.tokens, 3 * hidden, at: start)
        .columns(index * hidden..<(index + 1) * hidden)
    }
    if index == 0 { return buffer.matrix(pass.sequences.count, hidden, at: start) }
    return keysAndValues(buffer, slot, pass, a).columns((index - 1) * hidden..<index * hidden)
  }

  /// Key and value of the last block, or their gradients: [tokens, 2 * hidden].
  @_lifetime(borrow buffer)
  private func keysAndValues(
    _ buffer: borrowing FloatBuffer, _ slot: Int, _ pass: Pass, _ a: borrowing EncoderActivations
  ) -> MutableMatrixView {
    let hidden = a.sizes.hiddenSize
    return buffer.matrix(
      pass.tokens, 2 * hidden, at: (slot * 3 + 1) * a.plan.tokens * hidden)
  }

  private func attentionOutputDropout(_ pass: Pass) -> Dropout? {
    dropsAttentionOutput ? pass.dropout?.hidden : nil
  }

  @_lifetime(borrow a)
  private func dropping(
    _ pass: Pass, _ a: borrowing EncoderActivations
  ) -> GroupedQueryAttention.Dropping? {
    GroupedQueryAttention.Dropping(
      pass.dropout?.attention, a.probabilityMask(layer, bits: maskBits(pass)))
  }

  // MARK: MLP

  private func forwardMLP(
    _ pass: Pass, _ parameters: borrowing FloatBuffer, _ a: borrowing EncoderActivations
  ) {
    let (rows, hidden) = (rows(pass), a.sizes.hiddenSize)
    let middle = a.slice(a.middle, layer, rows, hidden).view
    let wide = a.slice(a.intermediate, layer, rows, a.sizes.intermediateSize)
    let activated = a.activated.matrix(rows, a.sizes.intermediateSize)
    intermediate.forward(middle, parameters, into: wide, a.scratch.products)
    a.scratch.profile.lap(.products)
    GELU.forward(wide.view, into: activated)
    a.scratch.profile.lap(.elementWise)
    let branch = a.branch.matrix(rows, hidden)
    output.forward(activated.view, parameters, into: branch, a.scratch.products)
    a.scratch.profile.lap(.products)
    let sum = a.slice(a.outputSum, layer, rows, hidden)
    sum.copy(from: middle)
    if let dropout = pass.dropout?.hidden {
      dropout.forward(
        branch.view, module: EncoderDropout.Place.output(layer: layer).module,
        mask: a.outputMask(layer, rows), accumulatingInto: sum)
    } else {
      sum.add(branch.view)
    }
    outputNorm.forward(
      sum.view, parameters, into: a.stream(layer + 1, rows),
      moments: a.slice(a.outputMoments, layer, rows, 2))
    a.scratch.profile.lap(.elementWise)
  }

  /// Given the gradient of the block's output in `a.dStream`, leaves that of the MLP half's input in `a.dSum`.
  private func backwardMLP(
    _ pass: Pass, _ parameters: borrowing FloatBuffer,
    accumulatingInto gradients: borrowing FloatBuffer, _ a: borrowing EncoderActivations,
    _ completed: (_ end: Int) -> Void
  ) {
    let (rows, hidden) = (rows(pass), a.sizes.hiddenSize)
    let dSum = a.dSum.matrix(rows, hidden)
    outputNorm.backward(
      a.dStream.matrix(rows, hidden).view, x: a.slice(a.outputSum, layer, rows, hidden).view,
      moments: a.slice(a.outputMoments, layer, rows, 2).view, parameters, into: dSum,
      accumulatingIntoParameters: gradients)
    let branch = a.branch.matrix(rows, hidden)
    pass.dropout?.hidden?.apply(dSum.view, mask: a.outputMask(layer, rows), into: branch)
    a.scratch.profile.lap(.elementWise)
    let dBranch = pass.dropout?.hidden == nil ? dSum.view : branch.view
    let dOutput = a.scratch.products.operand(dBranch, in: .first)
    let dWide = a.dIntermediate.matrix(rows, a.sizes.intermediateSize)
    output.backward(dOutput, parameters, into: dWide, a.scratch.products)
    a.scratch.profile.lap(.products)
    let activated = a.activated.matrix(rows, a.sizes.intermediateSize)
    GELU.backward(
      x: a.slice(a.intermediate, layer, rows, a.sizes.intermediateSize).view, scaling: dWide,
      remaking: activated)
    a.scratch.profile.lap(.elementWise)
    output.backward(
      dBranch, dOutput, x: activated.view, accumulatingIntoParameters: gradients,
      a.scratch.products)
    a.scratch.profile.lap(.products)
    completed(output.end)
    a.scratch.profile.begin()
    let dActivation = a.scratch.products.operand(dWide.view, in: .first)
    intermediate.backward(dActivation, parameters, accumulatingInto: dSum, a.scratch.products)
    intermediate.backward(
      dWide.view, dActivation, x: a.slice(a.middle, layer, rows, hidden).view,
      accumulatingIntoParameters: gradients, a.scratch.products)
    a.scratch.profile.lap(.products)
    completed(intermediate.end)
    a.scratch.profile.begin()
  }
}
