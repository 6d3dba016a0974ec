internal import Glibc
internal import VectorKernels

/// AdamW over arenas, with the decay applied before the step as PyTorch does.
///
/// theta -= lr wd theta; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
/// theta -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps). Source: Loshchilov and Hutter, 2019.
package struct AdamW: Sendable {
  package var beta1 = 0.9, beta2 = 0.999
  package var epsilon: Float = 1e-8
  package var weightDecay: Float

  package init(weightDecay: Float) { self.weightDecay = weightDecay }

  /// Updates parameters and both moments from element `first` on, one for each gradient.
  ///
  /// - Parameters:
  ///   - gradientScale: Applied to every gradient first; the clipping coefficient.
  ///   - step: The number of this update, from 1.
  ///   - decays: Whether the decay applies to these parameters.
  package func update(
    _ parameters: borrowing FloatBuffer, from first: Int = 0, _ gradients: Span<Float>,
    firstMoment: borrowing FloatBuffer, secondMoment: borrowing FloatBuffer, gradientScale: Float,
    learningRate: Double, step: Int, decays: Bool = true
  ) {
    precondition(
      first >= 0 && first + gradients.count <= parameters.count
        && parameters.count == firstMoment.count && parameters.count == secondMoment.count
        && step > 0, "the arenas differ")
    let settings = vk_adamw_settings(
      learning_rate: Float(learningRate), weight_decay: decays ? weightDecay : 0,
      beta1: Float(beta1),
      beta2: Float(beta2), epsilon: epsilon, beta1_complement: Float(1 - beta1),
      beta2_complement: Float(1 - beta2),
      first_correction: Float(1 - pow(beta1, Double(step))),
      second_correction: Float(1 - pow(beta2, Double(step))))
    unsafe gradients.withUnsafeBufferPointer { gradients in
      unsafe vk_adamw(
        parameters.base + first, gradients.baseAddress, firstMoment.base + first,
        secondMoment.base + first, gradientScale, settings, gradients.count)
    }
  }
}
