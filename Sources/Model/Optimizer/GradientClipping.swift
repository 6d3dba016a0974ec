internal import VectorKernels

/// Clipping of the global gradient norm, as PyTorch's `clip_grad_norm_`.
package enum GradientClipping {
  /// The L2 norm over the whole arena.
  package static func norm(_ gradients: borrowing FloatBuffer) -> Double {
    unsafe vk_sum_of_squares(gradients.base, gradients.count).squareRoot()
  }

  /// min(1, maximum / (norm + 1e-6)); 1 where `maximum` is 0, which turns clipping off.
  package static func coefficient(norm: Double, maximum: Double) -> Float {
    maximum > 0 ? Float(min(1, maximum / (norm + 1e-6))) : 1
  }
}
