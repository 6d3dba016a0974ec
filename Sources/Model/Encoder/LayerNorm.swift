internal import VectorKernels

/// Moves each row to mean 0 and scales it to variance 1, then by a trained weight, and adds a trained bias.
package struct LayerNorm: Sendable {
  /// Offsets in the arenas.
  let weight: Int, bias: Int
  package let size: Int
  package let epsilon: Float

  package init(weight: Int, bias: Int, size: Int, epsilon: Float) {
    self.weight = weight
    self.bias = bias
    self.size = size
    self.epsilon = epsilon
  }

  /// y = weight * (x - mean(x)) / sqrt(variance(x) + epsilon) + bias.
  ///
  /// - Parameters:
  ///   - x: The input: [tokens, size].
  ///   - y: The output, overwritten: [tokens, size].
  ///   - moments: Mean and inverse deviation, kept for the backward pass, overwritten: [tokens, 2].
  package func forward(
    _ x: MatrixView, _ parameters: borrowing FloatBuffer, into y: MutableMatrixView,
    moments: MutableMatrixView
  ) {
    check(x, y.view, moments.view)
    let weight = parameters.matrix(1, size, at: weight)
    let bias = parameters.matrix(1, size, at: bias)
    for row in 0..<x.rows {
      let result = unsafe vk_layer_norm(
        x.base + row * x.stride, weight.base, bias.base, epsilon, y.base + row * y.stride, size)
      (moments[row, 0], moments[row, 1]) = (result.mean, result.inverse_deviation)
    }
  }

  /// dx = r (g - mean(g) - n mean(g n)), dweight += dy n, dbias += dy, with g = weight dy, n the normalised x, r its scale.
  ///
  /// - Parameters:
  ///   - x: What `forward` was given: [tokens, size].
  ///   - dx: Overwritten: [tokens, size].
  package func backward(
    _ dy: MatrixView, x: MatrixView, moments: MatrixView, _ parameters: borrowing FloatBuffer,
    into dx: MutableMatrixView, accumulatingIntoParameters gradients: borrowing FloatBuffer
  ) {
    check(x, dy, moments)
    check(x, dx.view, moments)
    let weight = parameters.matrix(1, size, at: weight)
    let dWeight = gradients.matrix(1, size, at: self.weight)
    let dBias = gradients.matrix(1, size, at: bias)
    for row in 0..<x.rows {
      unsafe vk_layer_norm_backward(
        dy.base + row * dy.stride, x.base + row * x.stride, weight.base,
        vk_moments(mean: moments[row, 0], inverse_deviation: moments[row, 1]),
        dx.base + row * dx.stride, dWeight.base, dBias.base, size)
    }
  }

  private func check(_ x: MatrixView, _ y: MatrixView, _ moments: MatrixView) {
    precondition(
      x.columns == size && y.columns == size && y.rows == x.rows && moments.rows == x.rows
        && moments.columns == 2, "shapes differ")
  }
}
