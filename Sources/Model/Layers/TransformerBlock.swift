/// One pre-norm block: x += attention(norm x); x += mlp(norm x).
package struct TransformerBlock: Sendable {
  let layer: Int
  let attentionNorm: RMSNorm, mlpNorm: RMSNorm
  /// Qwen3's norms of each head; nil elsewhere.
  let queryNorm: RMSNorm?, keyNorm: RMSNorm?
  /// In the order of `Projection`.
  let projections: [LoRALinear]
  let attention: GroupedQueryAttention

  subscript(projection: Projection) -> LoRALinear { projections[projection.rawValue] }

  /// What a pass over one micro-batch needs to know.
  struct Pass {
    let sequences: [PackedSequence]
    let tokens: Int
    /// All rows, in order.
    let segments: [Segment]
    let rotary: RotaryEmbedding
    let lossRows: LossRows
    /// Keys and values are kept for later passes, and prefixes lie among those of earlier ones.
    var keepsKeys = false
  }

  /// Reads the residual stream before this block from `activations` and writes the one after it.
  func forward(
    _ pass: Pass, adapter: borrowing FloatBuffer, _ activations: borrowing ActivationBuffer
  ) {
    forwardAttention(pass, adapter: adapter, activations)
    forwardMLP(pass, adapter: adapter, activations)
  }

  /// Turns dResidual, the gradient of this block's output, into that of its input.
  func backward(
    _ pass: Pass, adapter: borrowing FloatBuffer, wantsInputGradient: Bool,
    _ activations: borrowing ActivationBuffer, sink: GradientSink
  ) {
    backwardMLP(pass, adapter: adapter, activations, sink)
    backwardAttention(
      pass, adapter: adapter, wantsInputGradient: wantsInputGradient, activations, sink)
  }

  // MARK: Attention

  private func forwardAttention(
    _ pass: Pass, adapter: borrowing FloatBuffer, _ a: borrowing ActivationBuffer
  ) {
    let (n, sizes) = (pass.tokens, a.sizes)
    let x = a.residual(layer, n)
    let normed = a.normed.matrix(n, sizes.hiddenSize)
    attentionNorm.forward(
      x.view, into: normed, inverseRMS: a.slice(a.attentionInverseRMS, layer, n, 1))
    a.scratch.profile.lap(.elementWise)
    let (q, k, v) = (a.query.current(layer, n), a.key.current(layer, n), a.value.current(layer, n))
    if let queryNorm, let keyNorm {
      let rawQ = a.rawQuery.current(layer, n)
      let rawK = a.rawKey.current(layer, n)
      project(.query, normed.view, into: rawQ, pass, adapter, a)
      project(.key, normed.view, into: rawK, pass, adapter, a)
      queryNorm.forward(
        rawQ.view, into: q, inverseRMS: a.slice(a.queryInverseRMS, layer, n, sizes.headCount))
      keyNorm.forward(
        rawK.view, into: k, inverseRMS: a.slice(a.keyInverseRMS, layer, n, sizes.kvHeadCount))
    } else {
      project(.query, normed.view, into: q, pass, adapter, a)
      project(.key, normed.view, into: k, pass, adapter, a)
    }
    project(.value, normed.view, into: v, pass, adapter, a)
    pass.rotary.forward(q, sequences: pass.sequences)
    pass.rotary.forward(k, sequences: pass.sequences)
    if a.scratch.products.precision == .bfloat16 {
      q.round()
      k.round()
      v.round()
    }
    a.scratch.profile.lap(.elementWise)
    let mixed = a.attention.current(layer, n)
    attend(q.view, k.view, v.view, pass, into: mixed, a)
    a.scratch.profile.lap(.attention)
    let middle = a.middle.current(layer, n)
    project(.output, mixed.view, into: middle, pass, adapter, a)
    middle.add(x.view)
    keepAttention(n, a)
    a.scratch.profile.lap(.elementWise)
  }

  private func keepAttention(_ n: Int, _ a: borrowing ActivationBuffer) {
    a.keepInput(layer, n)
    a.query.keep(layer, n)
    a.key.keep(layer, n)
    a.value.keep(layer, n)
    a.attention.keep(layer, n)
    a.middle.keep(layer, n)
    guard queryNorm != nil else { return }
    a.rawQuery.keep(layer, n)
    a.rawKey.keep(layer, n)
  }

  /// Attention to what a sequence continues, in this pass or in an earlier one, and to itself.
  private func attend(
    _ q: MatrixView, _ k: MatrixView, _ v: MatrixView, _ pass: Pass,
    into mixed: MutableMatrixView, _ a: borrowing ActivationBuffer
  ) {
    let logSumExp = a.slice(a.logSumExp, layer, pass.tokens, a.sizes.headCount)
    guard pass.keepsKeys else {
      return attention.forward(
        q: q, k: k, v: v, sequences: pass.sequences, into: mixed, logSumExp: logSumExp,
        scratch: a.scratch)
    }
    let (keys, values) = (a.cached(a.cachedKey, layer), a.cached(a.cachedValue, layer))
    for sequence in pass.sequences {
      let end = sequence.prefix.upperBound
      keys.rows(end..<end + sequence.rows.count).copy(from: k.rows(sequence.rows))
      values.rows(end..<end + sequence.rows.count).copy(from: v.rows(sequence.rows))
    }
    attention.forward(
      q: q, k: k, v: v, earlierK: keys.view, earlierV: values.view, sequences: pass.sequences,
      into: mixed, logSumExp: logSumExp, scratch: a.scratch)
  }

  private func backwardAttention(
    _ pass: Pass, adapter: borrowing FloatBuffer, wantsInputGradient: Bool,
    _ a: borrowing ActivationBuffer, _ sink: GradientSink
  ) {
    let (n, sizes) = (pass.tokens, a.sizes)
    let dx = a.dResidual.matrix(n, sizes.hiddenSize)
    let mixed = a.attention.again(layer, n)
    let dMixed = a.dAttention.matrix(n, sizes.querySize)
    projectBack(.output, dx.view, x: mixed, .overwritten, dMixed, pass, adapter, a, sink)
    let dq = a.dQuery.matrix(n, sizes.querySize)
    let dk = a.dKey.matrix(n, sizes.kvSize)
    let dv = a.dValue.matrix(n, sizes.kvSize)
    dq.zero()
    dk.zero()
    dv.zero()
    attention.backward(
      dMixed.view, q: a.query.again(layer, n), k: a.key.again(layer, n),
      v: a.value.again(layer, n), output: mixed,
      logSumExp: a.slice(a.logSumExp, layer, n, sizes.headCount).view, sequences: pass.sequences,
      accumulatingIntoQ: dq, k: dk, v: dv, scratch: a.scratch)
    a.scratch.profile.lap(.attention)
    pass.rotary.backward(dq, sequences: pass.sequences)
    pass.rotary.backward(dk, sequences: pass.sequences)
    if let queryNorm, let keyNorm {
      normBack(
        queryNorm, dq, x: a.rawQuery.again(layer, n),
        a.slice(a.queryInverseRMS, layer, n, sizes.headCount).view, a)
      normBack(
        keyNorm, dk, x: a.rawKey.again(layer, n),
        a.slice(a.keyInverseRMS, layer, n, sizes.kvHeadCount).view, a)
    }
    let x = a.input(layer, n)
    let inverseRMS = a.slice(a.attentionInverseRMS, layer, n, 1)
    let normed = a.normed.matrix(n, sizes.hiddenSize)
    attentionNorm.forward(x, into: normed, inverseRMS: inverseRMS)
    a.scratch.profile.lap(.elementWise)
    let dNormed = a.dNormed.matrix(n, sizes.hiddenSize)
    let (first, next): (LoRALinear.InputGradient, LoRALinear.InputGradient) =
      wantsInputGradient ? (.overwritten, .accumulated) : (.unwanted, .unwanted)
    projectBack(.value, dv.view, x: normed.view, first, dNormed, pass, adapter, a, sink)
    projectBack(.key, dk.view, x: normed.view, next, dNormed, pass, adapter, a, sink)
    projectBack(.query, dq.view, x: normed.view, next, dNormed, pass, adapter, a, sink)
    guard wantsInputGradient else { return }
    attentionNorm.backward(
      dNormed.view, x: x, inverseRMS: inverseRMS.view, accumulatingInto: dx)
    a.scratch.profile.lap(.elementWise)
  }

  /// Turns the gradient of normalised heads into that of the heads before the norm, in place.
  private func normBack(
    _ norm: RMSNorm, _ gradient: MutableMatrixView, x: MatrixView, _ inverseRMS: MatrixView,
    _ a: borrowing ActivationBuffer
  ) {
    let raw = a.dRaw.matrix(gradient.rows, gradient.columns)
    raw.zero()
    norm.backward(gradient.view, x: x, inverseRMS: inverseRMS, accumulatingInto: raw)
    gradient.copy(from: raw.view)
  }

  // MARK: MLP

  private func forwardMLP(
    _ pass: Pass, adapter: borrowing FloatBuffer, _ a: borrowing ActivationBuffer
  ) {
    let (n, sizes) = (mlpRows(pass, a), a.sizes)
    let middle = mlpInput(pass, a)
    if let rows = keptRows(pass, a) {
      middle.gather(rows, of: a.middle.current(layer, pass.tokens).view)
    }
    let normed = a.normed.matrix(n, sizes.hiddenSize)
    mlpNorm.forward(
      middle.view, into: normed, inverseRMS: a.slice(a.mlpInverseRMS, layer, n, 1))
    a.scratch.profile.lap(.elementWise)
    let gate = a.gates.gate(layer, n, spare: a.dGated)
    let up = a.gates.up(layer, n, spare: a.gated)
    let gated = a.gated.matrix(n, sizes.intermediateSize)
    project(.gate, normed.view, into: gate, pass, adapter, a)
    project(.up, normed.view, into: up, pass, adapter, a)
    a.gates.forward(layer, gate: gate.view, up: up.view, into: gated)
    a.scratch.profile.lap(.elementWise)
    let next = a.residual(layer + 1, n)
    project(.down, gated.view, into: next, pass, adapter, a)
    next.add(middle.view)
    a.scratch.profile.lap(.elementWise)
  }

  private func backwardMLP(
    _ pass: Pass, adapter: borrowing FloatBuffer, _ a: borrowing ActivationBuffer,
    _ sink: GradientSink
  ) {
    let (n, sizes) = (mlpRows(pass, a), a.sizes)
    let dx = a.dResidual.matrix(n, sizes.hiddenSize)
    let gated = a.gated.matrix(n, sizes.intermediateSize)
    a.gates.again(layer, into: gated)
    a.scratch.profile.lap(.elementWise)
    let dGated = a.dGated.matrix(n, sizes.intermediateSize)
    projectBack(.down, dx.view, x: gated.view, .overwritten, dGated, pass, adapter, a, sink)
    let (dGate, dUp) = (dGated, gated)
    a.gates.backward(layer, dGated.view, intoGate: dGate, intoUp: dUp)
    let middle = keptMLPInput(pass, a)
    let inverseRMS = a.slice(a.mlpInverseRMS, layer, n, 1)
    let normed = a.normed.matrix(n, sizes.hiddenSize)
    mlpNorm.forward(middle, into: normed, inverseRMS: inverseRMS)
    a.scratch.profile.lap(.elementWise)
    let dNormed = a.dNormed.matrix(n, sizes.hiddenSize)
    projectBack(.up, dUp.view, x: normed.view, .overwritten, dNormed, pass, adapter, a, sink)
    projectBack(
      .gate, dGate.view, x: normed.view, .accumulated, dNormed, pass, adapter, a, sink)
    mlpNorm.backward(
      dNormed.view, x: middle, inverseRMS: inverseRMS.view, accumulatingInto: dx)
    if let rows = keptRows(pass, a) {
      a.dResidual.matrix(pass.tokens, sizes.hiddenSize).spread(rows)
    }
    a.scratch.profile.lap(.elementWise)
  }

  /// Rows that the MLP is computed for, where these are not all.
  private func keptRows(_ pass: Pass, _ a: borrowing ActivationBuffer) -> [Int]? {
    layer == a.sizes.layerCount - 1 ? pass.lossRows.kept : nil
  }

  private func mlpRows(_ pass: Pass, _ a: borrowing ActivationBuffer) -> Int {
    keptRows(pass, a)?.count ?? pass.tokens
  }

  /// The residual stream that the MLP reads and adds to.
  @_lifetime(borrow a)
  private func mlpInput(_ pass: Pass, _ a: borrowing ActivationBuffer) -> MutableMatrixView {
    let (n, hidden) = (mlpRows(pass, a), a.sizes.hiddenSize)
    return keptRows(pass, a) == nil
      ? a.middle.current(layer, n) : a.keptMiddle.matrix(n, hidden)
  }

  /// The same in the backward pass.
  @_lifetime(borrow a)
  private func keptMLPInput(_ pass: Pass, _ a: borrowing ActivationBuffer) -> MatrixView {
    let (n, hidden) = (mlpRows(pass, a), a.sizes.hiddenSize)
    return keptRows(pass, a) == nil
      ? a.middle.again(layer, n) : a.keptMiddle.matrix(n, hidden).view
  }

  // MARK: Projections

  private func project(
    _ projection: Projection, _ x: MatrixView, into y: MutableMatrixView, _ pass: Pass,
    _ adapter: borrowing FloatBuffer, _ a: borrowing ActivationBuffer
  ) {
    self[projection].forward(
      x, segments: segments(pass, x), adapter: adapter, into: y,
      xA: a.lowRank(layer, projection, x.rows), mask: a.mask(layer, projection, x.rows),
      scratch: a.scratch)
    a.keepLowRank(layer, projection, x.rows)
  }

  private func projectBack(
    _ projection: Projection, _ dy: MatrixView, x: MatrixView,
    _ inputGradient: LoRALinear.InputGradient, _ dx: MutableMatrixView, _ pass: Pass,
    _ adapter: borrowing FloatBuffer, _ a: borrowing ActivationBuffer, _ sink: GradientSink
  ) {
    self[projection].backward(
      dy, x: x, segments: segments(pass, x), xA: a.keptLowRank(layer, projection, x.rows),
      mask: a.mask(layer, projection, x.rows), adapter: adapter, inputGradient, dx,
      scratch: a.scratch, sink: sink)
  }

  /// Those of a projection's input, which in the last MLP may have the rows in the loss alone.
  private func segments(_ pass: Pass, _ x: MatrixView) -> [Segment] {
    x.rows == pass.tokens ? pass.segments : pass.lossRows.segments
  }
}
