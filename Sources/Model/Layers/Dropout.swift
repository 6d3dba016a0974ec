internal import VectorKernels

/// Sets a share of the elements to zero and scales the others so that the expectation stays.
///
/// The mask is a pure function of (seed, micro-batch, module, element), so backward makes it again.
package struct Dropout: Sendable, Equatable {
  package let seed: UInt64
  /// Counts every micro-batch of a run.
  package let microBatch: Int
  /// Elements are kept where 16 random bits are below this.
  private let threshold: UInt32
  private let scale: Float

  /// Returns nil where nothing is dropped; `probability` in 0..<1 is rounded to a 65,536th below 1.
  package init?(probability: Float, seed: UInt64, microBatch: Int) {
    threshold = max(1, UInt32(((1 - probability) * 65536).rounded()))
    guard threshold < 65536 else { return nil }
    scale = 65536 / Float(threshold)
    self.seed = seed
    self.microBatch = microBatch
  }

  /// y = mask * x / (1 - p); both [tokens, size], contiguous.
  package func forward(_ x: MatrixView, module: Int, into y: MutableMatrixView) {
    let stream = stream(module, x, y.view)
    unsafe vk_dropout(x.base, y.base, threshold, scale, seed, stream, 0, x.rows * x.columns)
  }

  /// dx += mask * dy / (1 - p); both [tokens, size], contiguous.
  package func backward(_ dy: MatrixView, module: Int, accumulatingInto dx: MutableMatrixView) {
    let stream = stream(module, dy, dx.view)
    unsafe vk_dropout_add(dy.base, dx.base, threshold, scale, seed, stream, 0, dy.rows * dy.columns)
  }

  private func stream(_ module: Int, _ x: MatrixView, _ y: MatrixView) -> [UInt32] {
    precondition(
      x.rows == y.rows && x.columns == y.columns && x.stride == x.columns && y.stride == y.columns,
      "shapes differ or are not contiguous")
    return [
      RandomPurpose.dropout.rawValue, UInt32(truncatingIfNeeded: microBatch),
      UInt32(truncatingIfNeeded: module),
    ]
  }
}
