/// A frozen projection y = x W^T + b, computed straight from the mapped weights.
package struct Linear: Sendable {
  /// [out, in]
  package let weight: WeightMatrix
  /// [out], or empty.
  package let bias: [Float]

  package init(weight: WeightMatrix, bias: [Float] = []) {
    precondition(bias.isEmpty || bias.count == weight.rows, "one bias per output")
    self.weight = weight
    self.bias = bias
  }

  /// y = x W^T + b; x: [tokens, in], y: [tokens, out], scratch: `weight.panelCount` elements.
  package func forward(
    _ x: MatrixView, into y: MutableMatrixView, scratch: borrowing FloatBuffer
  ) {
    for panel in weight.panels {
      BLAS.multiply(
        x, weight.panel(panel, scratch: scratch), transposingSecond: true, into: y.columns(panel))
    }
    if !bias.isEmpty { y.addToRows(bias) }
  }

  /// dx += dy W; the weight is frozen, so there is no weight gradient.
  package func backward(
    _ dy: MatrixView, accumulatingInto dx: MutableMatrixView, scratch: borrowing FloatBuffer
  ) {
    for panel in weight.panels {
      BLAS.multiply(
        dy.columns(panel), weight.panel(panel, scratch: scratch), accumulatingInto: dx)
    }
  }
}

extension WeightMatrix {
  /// The rows in the pieces that are widened together.
  var panels: [Range<Int>] {
    stride(from: 0, to: rows, by: panelRows).map { $0..<min($0 + panelRows, rows) }
  }
}
