internal import VectorKernels

/// Sets a share of the elements to zero and scales the others so that the expectation stays.
///
/// The mask is a pure function of (seed, micro-batch, module, element).
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

  /// Draws the mask of a module's input x, and y = mask * x / (1 - p); both [tokens, size], contiguous.
  ///
  /// - Parameter mask: Kept for the backward pass, overwritten: tokens * size bits.
  package func forward(
    _ x: MatrixView, module: Int, mask: DropoutMask, into y: MutableMatrixView
  ) {
    check(x, mask, y.view)
    draw(x.rows * x.columns, module: module, mask)
    apply(x, mask: mask, into: y)
  }

  /// Draws the mask of a module's x, and y += mask * x / (1 - p); both [tokens, size], contiguous.
  package func forward(
    _ x: MatrixView, module: Int, mask: DropoutMask, accumulatingInto y: MutableMatrixView
  ) {
    check(x, mask, y.view)
    draw(x.rows * x.columns, module: module, mask)
    unsafe vk_masked_add(x.base, mask.base, scale, y.base, x.rows * x.columns)
  }

  /// Draws the first `count` bits of a module's mask.
  package func draw(_ count: Int, module: Int, _ mask: DropoutMask) {
    precondition(count <= mask.count, "the mask is too short")
    let stream = vk_stream(
      key: seed, purpose: RandomPurpose.dropout.rawValue,
      first: UInt32(truncatingIfNeeded: microBatch), second: UInt32(truncatingIfNeeded: module))
    unsafe vk_dropout_mask(mask.base, threshold, stream, count)
  }

  /// y = mask * x / (1 - p) with a mask that was drawn; both [tokens, size], contiguous.
  package func apply(_ x: MatrixView, mask: DropoutMask, into y: MutableMatrixView) {
    check(x, mask, y.view)
    unsafe vk_masked(x.base, mask.base, scale, y.base, x.rows * x.columns)
  }

  /// The same, rounded to bfloat16 numbers: tokens * size of them.
  func apply(
    _ x: MatrixView, mask: DropoutMask, roundingInto y: UnsafeMutablePointer<UInt16>
  ) {
    check(x, mask, x)
    unsafe vk_masked_bf16(x.base, mask.base, scale, y, x.rows * x.columns)
  }

  /// dx += mask * dy / (1 - p); both [tokens, size], contiguous.
  package func backward(
    _ dy: MatrixView, mask: DropoutMask, accumulatingInto dx: MutableMatrixView
  ) {
    check(dy, mask, dx.view)
    unsafe vk_masked_add(dy.base, mask.base, scale, dx.base, dy.rows * dy.columns)
  }

  private func check(_ x: MatrixView, _ mask: DropoutMask, _ y: MatrixView) {
    precondition(
      x.rows == y.rows && x.columns == y.columns && x.rows * x.columns <= mask.count
        && (x.rows <= 1 || x.stride == x.columns && y.stride == y.columns),
      "shapes differ or are not contiguous")
  }
}
