internal import Glibc
internal import VectorKernels

/// AdamW over whole arenas, with the decay applied before the step as PyTorch does.
///
/// theta -= lr wd theta; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
/// theta -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps). Source: Loshchilov and Hutter, 2019.
package struct AdamW: Sendable {
  package var beta1 = 0.9, beta2 = 0.999
  package var epsilon: Float = 1e-8
  package var weightDecay: Float

  package init(weightDecay: Float) { self.weightDecay = weightDecay }

  /// Updates `parameters` and both moments.
  ///
  /// - Parameters:
  ///   - gradientScale: Applied to every gradient first; the clipping coefficient.
  ///   - step: The number of this update, from 1.
  ///   - sections: Where the decay applies and where it does not, over the whole arena; everywhere if nil.
  package func update(
    _ parameters: borrowing FloatBuffer, _ gradients: borrowing FloatBuffer,
    firstMoment: borrowing FloatBuffer, secondMoment: borrowing FloatBuffer, gradientScale: Float,
    learningRate: Double, step: Int, sections: [(range: Range<Int>, decays: Bool)]? = nil
  ) {
    precondition(
      parameters.count == gradients.count && parameters.count == firstMoment.count
        && parameters.count == secondMoment.count && step > 0, "the arenas differ")
    var settings = vk_adamw_settings(
      learning_rate: Float(learningRate), weight_decay: weightDecay, beta1: Float(beta1),
      beta2: Float(beta2), epsilon: epsilon, beta1_complement: Float(1 - beta1),
      beta2_complement: Float(1 - beta2),
      first_correction: Float(1 - pow(beta1, Double(step))),
      second_correction: Float(1 - pow(beta2, Double(step))))
    for (range, decays) in sections ?? [(0..<parameters.count, true)] {
      precondition(
        range.lowerBound >= 0 && range.upperBound <= parameters.count, "outside of the arenas")
      settings.weight_decay = decays ? weightDecay : 0
      let start = range.lowerBound
      unsafe vk_adamw(
        parameters.base + start, gradients.base + start, firstMoment.base + start,
        secondMoment.base + start, gradientScale, settings, range.count)
    }
  }
}
