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

  /// y = x W^T + b; x: [tokens, in], y: [tokens, out].
  package func forward(
    _ x: MatrixProducts.Operand, into y: MutableMatrixView, _ products: borrowing MatrixProducts
  ) {
    products.multiply(x, transposed: weight, into: y)
    if !bias.isEmpty { y.addToRows(bias) }
  }

  /// dx = dy W; the weight is frozen, so there is no weight gradient.
  package func backward(
    _ dy: MatrixProducts.Operand, into dx: MutableMatrixView, _ products: borrowing MatrixProducts
  ) {
    products.multiply(dy, weight, into: dx)
  }

  /// dx += dy W.
  package func backward(
    _ dy: MatrixProducts.Operand, accumulatingInto dx: MutableMatrixView,
    _ products: borrowing MatrixProducts
  ) {
    products.multiply(dy, weight, accumulatingInto: dx)
  }
}
