package import Model

extension QwenModel {
  /// Returns the loss sum of one micro-batch and adds its gradient to `gradients`.
  package func forwardBackward(
    _ batch: MicroBatch, adapter: borrowing FloatBuffer, dropout: Dropout?,
    accumulatingInto gradients: borrowing FloatBuffer, _ activations: borrowing ActivationBuffer
  ) -> Double {
    let sums = forwardBackward([batch], adapter: adapter, dropouts: [dropout], activations) {
      gradients.add($2, at: $1)
    }
    return sums[0]
  }
}

extension FloatBuffer {
  /// Adds `values` to the elements from `first` on.
  package func add(_ values: Span<Float>, at first: Int) {
    let part = matrix(1, values.count, at: first)
    for index in values.indices { part[0, index] += values[index] }
  }

  /// The L2 norm of all elements.
  package var norm: Double { GradientClipping.squaredNorm(span).squareRoot() }
}
