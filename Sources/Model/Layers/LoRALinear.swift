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

  /// y = x W^T + b + s xA B^T with xA = drop(x) A^T.
  ///
  /// - Parameters:
  ///   - x: The input: [tokens, in].
  ///   - y: The output, overwritten: [tokens, out].
  ///   - xA: Kept for the backward pass, overwritten where there is an adapter: [tokens, rank].
  ///   - mask: The same where there is dropout: tokens * in bits.
  package func forward(
    _ x: MatrixView, adapter: borrowing FloatBuffer, dropout: Dropout?, into y: MutableMatrixView,
    xA: MutableMatrixView, mask: DropoutMask, scratch: borrowing Scratch
  ) {
    let input = scratch.products.operand(x, in: .first)
    base.forward(input, into: y, scratch.products)
    scratch.profile.lap(.products)
    guard let pair, adapter.count > 0 else { return }
    let a = adapter.matrix(pair.a.rows, pair.a.columns, at: pair.a.offset).view
    let b = adapter.matrix(pair.b.rows, pair.b.columns, at: pair.b.offset).view
    if let dropout {
      let dropped = scratch.dropped.matrix(x.rows, x.columns)
      dropout.forward(x, module: module, mask: mask, into: dropped)
      scratch.products.multiply(
        scratch.products.operand(dropped.view, in: .second),
        scratch.products.operand(a, in: .third),
        transposingSecond: true, into: xA)
    } else {
      scratch.products.multiply(
        input, scratch.products.operand(a, in: .third), transposingSecond: true, into: xA)
    }
    scratch.products.multiply(
      scratch.products.operand(xA.view, in: .second),
      scratch.products.operand(b, in: .third, scale: scaling),
      transposingSecond: true, accumulatingInto: y)
    scratch.profile.lap(.lowRank)
  }

  /// What becomes of dx in a backward pass; unwanted below the first adapted layer.
  package enum InputGradient: Sendable { case unwanted, overwritten, accumulated }

  /// dB += s dy^T xA, dA += dxA^T drop(x), dx (+)= dy W + mask(dxA A), with dxA = s dy B.
  package func backward(
    _ dy: MatrixView, x: MatrixView, xA: MatrixView, mask: DropoutMask,
    adapter: borrowing FloatBuffer, dropout: Dropout?,
    accumulatingInto gradients: borrowing FloatBuffer,
    _ inputGradient: InputGradient, _ dx: MutableMatrixView, scratch: borrowing Scratch
  ) {
    let dOutput = scratch.products.operand(dy, in: .first)
    switch inputGradient {
    case .unwanted: break
    case .overwritten: base.backward(dOutput, into: dx, scratch.products)
    case .accumulated: base.backward(dOutput, accumulatingInto: dx, scratch.products)
    }
    scratch.profile.lap(.products)
    guard let pair else { return }
    defer { scratch.profile.lap(.lowRank) }
    let a = adapter.matrix(pair.a.rows, pair.a.columns, at: pair.a.offset).view
    let b = adapter.matrix(pair.b.rows, pair.b.columns, at: pair.b.offset).view
    let da = gradients.matrix(pair.a.rows, pair.a.columns, at: pair.a.offset)
    let db = gradients.matrix(pair.b.rows, pair.b.columns, at: pair.b.offset)
    let dxA = scratch.lowRank.matrix(x.rows, a.rows)
    scratch.products.multiply(
      dOutput, transposingFirst: true, scratch.products.operand(xA, in: .second, scale: scaling),
      accumulatingInto: db)
    scratch.products.multiply(
      dOutput, scratch.products.operand(b, in: .third, scale: scaling), into: dxA)
    let dLowRank = scratch.products.operand(dxA.view, in: .third)
    guard let dropout else {
      scratch.products.multiply(
        dLowRank, transposingFirst: true, scratch.products.operand(x, in: .second),
        accumulatingInto: da)
      if inputGradient != .unwanted {
        scratch.products.multiply(
          dLowRank, scratch.products.operand(a, in: .first), accumulatingInto: dx)
      }
      return
    }
    let dropped = scratch.dropped.matrix(x.rows, x.columns)
    dropout.apply(x, mask: mask, into: dropped)
    scratch.products.multiply(
      dLowRank, transposingFirst: true, scratch.products.operand(dropped.view, in: .second),
      accumulatingInto: da)
    if inputGradient != .unwanted {
      scratch.products.multiply(dLowRank, scratch.products.operand(a, in: .first), into: dropped)
      dropout.backward(dropped.view, mask: mask, accumulatingInto: dx)
    }
  }
}
