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
  package func forward(
    _ x: MatrixView, adapter: borrowing FloatBuffer, dropout: Dropout?, into y: MutableMatrixView,
    xA: MutableMatrixView, scratch: borrowing Scratch
  ) {
    base.forward(x, into: y, scratch: scratch.panel)
    guard let pair, adapter.count > 0 else { return }
    let a = adapter.matrix(pair.a.rows, pair.a.columns, at: pair.a.offset).view
    let b = adapter.matrix(pair.b.rows, pair.b.columns, at: pair.b.offset).view
    if let dropout {
      let dropped = scratch.dropped.matrix(x.rows, x.columns)
      dropout.forward(x, module: module, into: dropped)
      BLAS.multiply(dropped.view, a, transposingSecond: true, into: xA)
    } else {
      BLAS.multiply(x, a, transposingSecond: true, into: xA)
    }
    BLAS.multiply(xA.view, b, transposingSecond: true, scale: scaling, accumulatingInto: y)
  }

  /// dB += s dy^T xA, dA += dxA^T drop(x), dx += dy W + mask(dxA A), with dxA = s dy B.
  ///
  /// - Parameter wantsInputGradient: False below the first adapted layer, where dx is left as it is.
  package func backward(
    _ dy: MatrixView, x: MatrixView, xA: MatrixView, adapter: borrowing FloatBuffer,
    dropout: Dropout?, wantsInputGradient: Bool, accumulatingInto gradients: borrowing FloatBuffer,
    _ dx: MutableMatrixView, scratch: borrowing Scratch
  ) {
    if wantsInputGradient { base.backward(dy, accumulatingInto: dx, scratch: scratch.panel) }
    guard let pair else { return }
    let a = adapter.matrix(pair.a.rows, pair.a.columns, at: pair.a.offset).view
    let b = adapter.matrix(pair.b.rows, pair.b.columns, at: pair.b.offset).view
    let da = gradients.matrix(pair.a.rows, pair.a.columns, at: pair.a.offset)
    let db = gradients.matrix(pair.b.rows, pair.b.columns, at: pair.b.offset)
    let dxA = scratch.lowRank.matrix(x.rows, a.rows)
    BLAS.multiply(dy, transposingFirst: true, xA, scale: scaling, accumulatingInto: db)
    BLAS.multiply(dy, b, scale: scaling, into: dxA)
    guard let dropout else {
      BLAS.multiply(dxA.view, transposingFirst: true, x, accumulatingInto: da)
      if wantsInputGradient { BLAS.multiply(dxA.view, a, accumulatingInto: dx) }
      return
    }
    let dropped = scratch.dropped.matrix(x.rows, x.columns)
    dropout.forward(x, module: module, into: dropped)
    BLAS.multiply(dxA.view, transposingFirst: true, dropped.view, accumulatingInto: da)
    if wantsInputGradient {
      BLAS.multiply(dxA.view, a, into: dropped)
      dropout.backward(dropped.view, module: module, accumulatingInto: dx)
    }
  }
}
