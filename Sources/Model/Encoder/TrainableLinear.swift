/// A trained projection y = x W^T + b, whose weight [out, in] and bias [out] lie in the arenas.
package struct TrainableLinear: Sendable {
  /// Offsets in the arenas.
  let weight: Int, bias: Int
  package let outputs: Int, inputs: Int

  package init(weight: Int, bias: Int, outputs: Int, inputs: Int) {
    self.weight = weight
    self.bias = bias
    self.outputs = outputs
    self.inputs = inputs
  }

  /// Where the tensors end in the arenas: the bias stands behind the weight.
  var end: Int { bias + outputs }

  /// The projection to some of the outputs.
  func part(_ outputs: Range<Int>) -> TrainableLinear {
    TrainableLinear(
      weight: weight + outputs.lowerBound * inputs, bias: bias + outputs.lowerBound,
      outputs: outputs.count, inputs: inputs)
  }

  /// y = x W^T + b; x: [tokens, in], y: [tokens, out].
  package func forward(
    _ x: MatrixView, _ parameters: borrowing FloatBuffer, into y: MutableMatrixView,
    _ products: borrowing MatrixProducts
  ) {
    products.multiply(
      products.operand(x, in: .first), operand(parameters, products), transposingSecond: true,
      into: y)
    y.addToRows(parameters.matrix(1, outputs, at: bias).view)
  }

  /// dx = dy W.
  package func backward(
    _ dy: MatrixProducts.Operand, _ parameters: borrowing FloatBuffer, into dx: MutableMatrixView,
    _ products: borrowing MatrixProducts
  ) {
    products.multiply(dy, operand(parameters, products), into: dx)
  }

  /// dx += dy W.
  package func backward(
    _ dy: MatrixProducts.Operand, _ parameters: borrowing FloatBuffer,
    accumulatingInto dx: MutableMatrixView, _ products: borrowing MatrixProducts
  ) {
    products.multiply(dy, operand(parameters, products), accumulatingInto: dx)
  }

  /// dW += dy^T x, db += the sum of dy over tokens.
  ///
  /// - Parameters:
  ///   - dy: The gradient of the output: [tokens, out].
  ///   - operand: The same as products take it, in another slot than the second.
  ///   - x: What `forward` was given: [tokens, in].
  package func backward(
    _ dy: MatrixView, _ operand: MatrixProducts.Operand, x: MatrixView,
    accumulatingIntoParameters gradients: borrowing FloatBuffer,
    _ products: borrowing MatrixProducts
  ) {
    products.multiply(
      operand, transposingFirst: true, products.operand(x, in: .second),
      accumulatingInto: gradients.matrix(outputs, inputs, at: weight))
    let sum = gradients.matrix(1, outputs, at: bias)
    for row in 0..<dy.rows { sum.add(dy.rows(row..<row + 1)) }
  }

  @_lifetime(borrow parameters, borrow products)
  private func operand(
    _ parameters: borrowing FloatBuffer, _ products: borrowing MatrixProducts
  ) -> MatrixProducts.Operand {
    products.operand(parameters.matrix(outputs, inputs, at: weight).view, in: .weight)
  }
}
