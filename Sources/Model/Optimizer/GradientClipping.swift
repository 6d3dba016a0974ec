internal import VectorKernels

/// Clipping of the global gradient norm, as PyTorch's `clip_grad_norm_`.
package enum GradientClipping {
  /// The squared L2 norm of some gradients.
  package static func squaredNorm(_ gradients: Span<Float>) -> Double {
    unsafe gradients.withUnsafeBufferPointer { unsafe vk_sum_of_squares($0.baseAddress, $0.count) }
  }

  /// min(1, maximum / (norm + 1e-6)); 1 where `maximum` is 0, which turns clipping off.
  package static func coefficient(norm: Double, maximum: Double) -> Float {
    maximum > 0 ? Float(min(1, maximum / (norm + 1e-6))) : 1
  }
}
