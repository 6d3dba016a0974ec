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
      let adapted = droppedInput(x, segment, mask, isDrawn: false, scratch)
      scratch.products.multiply(adapted, a, transposingSecond: true, into: xA.rows(rows))
      xA.rows(rows).scale(by: scaling)
      scratch.products.multiply(
        scratch.products.operand(xA.rows(rows).view, in: .second), b, transposingSecond: true,
        accumulatingInto: y.rows(rows))
    }
    scratch.profile.lap(.lowRank)
  }

  /// drop(x) of one segment.
  ///
  /// - Parameter isDrawn: The mask was drawn in the forward pass.
  @_lifetime(borrow scratch, copy x)
  private func droppedInput(
    _ x: MatrixView, _ segment: Segment, _ mask: DropoutMask, isDrawn: Bool,
    _ scratch: borrowing Scratch
  ) -> MatrixProducts.Operand {
    let rows = segment.rows
    guard let dropout = segment.dropout else {
      return scratch.products.operand(x.rows(rows), in: .second)
    }
    let mask = mask.rows(rows, width: x.columns)
    if !isDrawn { dropout.draw(rows.count * x.columns, module: module, mask) }
    return scratch.products.operand(
      x.rows(rows), dropout, mask, spare: scratch.dropped, in: .second)
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
    let b = scratch.products.operand(
      transposing: adapter.matrix(pair.b).view, spare: scratch.factorTransposed, in: .third)
    for (index, segment) in segments.enumerated() {
      let rows = segment.rows
      lowRankBackward(
        pair, dOutput.rows(rows), x: x, xA: xA.rows(rows), segment, mask, adapter: adapter,
        factor: b, inputGradient, inputGradient == .unwanted ? dx : dx.rows(rows), scratch)
      scratch.profile.lap(.lowRank)
      let gradient = scratch.pairGradient.span
      let (a, b) = (pair.a.range, pair.b.range)
      sink(index, b.lowerBound, gradient.extracting(0..<b.count))
      sink(index, a.lowerBound, gradient.extracting(b.count..<b.count + a.count))
      scratch.profile.begin()
    }
  }

  /// dx (+)= mask(dxA A) of one segment, whose dB and dA are left in the scratch.
  ///
  /// - Parameter factor: B^T: [rank, out].
  private func lowRankBackward(
    _ pair: AdapterPair, _ dOutput: MatrixProducts.Operand, x: MatrixView, xA: MatrixView,
    _ segment: Segment, _ mask: DropoutMask, adapter: borrowing FloatBuffer,
    factor: MatrixProducts.Operand, _ inputGradient: InputGradient, _ dx: MutableMatrixView,
    _ scratch: borrowing Scratch
  ) {
    let rank = pair.a.rows
    let db = scratch.pairGradient.matrix(pair.b.rows, rank)
    let da = scratch.pairGradient.matrix(rank, pair.a.columns, at: pair.b.range.count)
    let dbTransposed = scratch.factorGradient.matrix(rank, pair.b.rows)
    scratch.products.multiply(
      scratch.products.operand(transposing: xA, spare: scratch.lowRankTransposed, in: .second),
      dOutput, into: dbTransposed)
    db.copy(transposing: dbTransposed.view)
    let dxA = scratch.lowRank.matrix(xA.rows, rank)
    scratch.products.multiply(dOutput, factor, transposingSecond: true, into: dxA)
    dxA.scale(by: scaling)
    scratch.products.multiply(
      scratch.products.operand(
        transposing: dxA.view, spare: scratch.lowRankTransposed, in: .weight),
      droppedInput(x, segment, mask, isDrawn: true, scratch), into: da)
    guard inputGradient != .unwanted else { return }
    let (left, a) = (
      scratch.products.operand(dxA.view, in: .weight),
      scratch.products.operand(adapter.matrix(pair.a).view, in: .second)
    )
    guard let dropout = segment.dropout else {
      return scratch.products.multiply(left, a, accumulatingInto: dx)
    }
    let dropped = scratch.dropped.matrix(xA.rows, x.columns)
    scratch.products.multiply(left, a, into: dropped)
    dropout.backward(
      dropped.view, mask: mask.rows(segment.rows, width: x.columns), accumulatingInto: dx)
  }
}
