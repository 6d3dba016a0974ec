/// A frozen projection with a trained low-rank addition: y = x W^T + b + s (drop(x) A^T) B^T.
///
/// Source: Hu et al., LoRA, 2021; dropout on A's input alone, as PEFT has it.
package struct LoRALinear: Sendable {
  package let base: Linear
  /// Where A [rank, in] and B [out, rank] lie in the arenas; nil where the projection is not adapted.
  package let pair: AdapterPair?
  /// s = alpha / rank.
  package let scaling: Float
  /// Tells this module's dropout mask from the others'.
  package let module: Int

  package init(base: Linear, pair: AdapterPair?, scaling: Float, module: Int) {
    self.base = base
    self.pair = pair
    self.scaling = scaling
    self.module = module
  }

  /// y = x W^T + b + xA B^T with xA = s drop(x) A^T.
  ///
  /// - Parameters:
  ///   - x: The input: [tokens, in].
  ///   - segments: The micro-batches that x has rows of.
  ///   - y: The output, overwritten: [tokens, out].
  ///   - xA: Kept for the backward pass, overwritten where there is an adapter: [tokens, rank].
  ///   - mask: The same where there is dropout: tokens * in bits.
  package func forward(
    _ x: MatrixView, segments: [Segment], adapter: borrowing FloatBuffer, into y: MutableMatrixView,
    xA: MutableMatrixView, mask: DropoutMask, scratch: borrowing Scratch
  ) {
    let input = scratch.products.operand(x, in: .first)
    base.forward(input, into: y, scratch.products)
    scratch.profile.lap(.products)
    guard let pair, adapter.count > 0 else { return }
    let a = scratch.products.operand(adapter.matrix(pair.a).view, in: .weight)
    let b = scratch.products.operand(adapter.matrix(pair.b).view, in: .third)
    for segment in segments {
      let rows = segment.rows
      let lowRank = xA.rows(rows)
      if let dropout = segment.dropout {
        let dropped = scratch.dropped.matrix(rows.count, x.columns)
        dropout.forward(
          x.rows(rows), module: module, mask: mask.rows(rows, width: x.columns), into: dropped)
        scratch.products.multiply(
          scratch.products.operand(dropped.view, in: .second), a, transposingSecond: true,
          into: lowRank)
      } else {
        scratch.products.multiply(input.rows(rows), a, transposingSecond: true, into: lowRank)
      }
      lowRank.scale(by: scaling)
      scratch.products.multiply(
        scratch.products.operand(lowRank.view, in: .second), b, transposingSecond: true,
        accumulatingInto: y.rows(rows))
    }
    scratch.profile.lap(.lowRank)
  }

  /// What becomes of dx in a backward pass; unwanted below the first adapted layer.
  package enum InputGradient: Sendable { case unwanted, overwritten, accumulated }

  /// dx (+)= dy W + mask(dxA A), with dxA = s dy B; for each segment dB = dy^T xA and dA = dxA^T drop(x) go to `sink`.
  package func backward(
    _ dy: MatrixView, x: MatrixView, segments: [Segment], xA: MatrixView, mask: DropoutMask,
    adapter: borrowing FloatBuffer, _ inputGradient: InputGradient, _ dx: MutableMatrixView,
    scratch: borrowing Scratch, sink: GradientSink
  ) {
    let dOutput = scratch.products.operand(dy, in: .first)
    switch inputGradient {
    case .unwanted: break
    case .overwritten: base.backward(dOutput, into: dx, scratch.products)
    case .accumulated: base.backward(dOutput, accumulatingInto: dx, scratch.products)
    }
    scratch.profile.lap(.products)
    guard let pair else { return }
    for (index, segment) in segments.enumerated() {
      let rows = segment.rows
      lowRankBackward(
        pair, dOutput.rows(rows), x: x.rows(rows), xA: xA.rows(rows),
        dropping: segment.dropout, mask.rows(rows, width: x.columns), adapter: adapter,
        inputGradient, inputGradient == .unwanted ? dx : dx.rows(rows), scratch)
      scratch.profile.lap(.lowRank)
      let gradient = scratch.pairGradient.span
      let (a, b) = (pair.a.range, pair.b.range)
      sink(index, b.lowerBound, gradient.extracting(0..<b.count))
      sink(index, a.lowerBound, gradient.extracting(b.count..<b.count + a.count))
      scratch.profile.begin()
    }
  }

  /// dx (+)= mask(dxA A) of one segment, whose dB and dA are left in the scratch.
  private func lowRankBackward(
    _ pair: AdapterPair, _ dOutput: MatrixProducts.Operand, x: MatrixView, xA: MatrixView,
    dropping dropout: Dropout?, _ mask: DropoutMask, adapter: borrowing FloatBuffer,
    _ inputGradient: InputGradient, _ dx: MutableMatrixView, _ scratch: borrowing Scratch
  ) {
    let (a, b) = (adapter.matrix(pair.a).view, adapter.matrix(pair.b).view)
    let db = scratch.pairGradient.matrix(pair.b.rows, pair.b.columns)
    let da = scratch.pairGradient.matrix(pair.a.rows, pair.a.columns, at: pair.b.range.count)
    let dxA = scratch.lowRank.matrix(x.rows, a.rows)
    scratch.products.multiply(
      dOutput, transposingFirst: true, scratch.products.operand(xA, in: .second), into: db)
    scratch.products.multiply(dOutput, scratch.products.operand(b, in: .third), into: dxA)
    dxA.scale(by: scaling)
    let dLowRank = scratch.products.operand(dxA.view, in: .third)
    guard let dropout else {
      scratch.products.multiply(
        dLowRank, transposingFirst: true, scratch.products.operand(x, in: .second), into: da)
      if inputGradient != .unwanted {
        scratch.products.multiply(
          dLowRank, scratch.products.operand(a, in: .second), accumulatingInto: dx)
      }
      return
    }
    let dropped = scratch.dropped.matrix(x.rows, x.columns)
    dropout.apply(x, mask: mask, into: dropped)
    scratch.products.multiply(
      dLowRank, transposingFirst: true, scratch.products.operand(dropped.view, in: .second),
      into: da)
    if inputGradient != .unwanted {
      scratch.products.multiply(dLowRank, scratch.products.operand(a, in: .second), into: dropped)
      dropout.backward(dropped.view, mask: mask, accumulatingInto: dx)
    }
  }
}
