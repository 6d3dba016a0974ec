/// What the operands of matrix products are rounded to; sums, residual stream, norms, loss and adapter stay 32 bits.
package enum Precision: String, Sendable, CaseIterable {
  /// On every processor.
  case float32
  /// bfloat16 operands, on processors that multiply them.
  case bfloat16

  /// Why this precision cannot be used here, as a sentence with what to do; nil if it can.
  package var obstacle: String? {
    switch self {
    case .float32: nil
    case .bfloat16: OneDNN.obstacle
    }
  }

  /// The kernels and the library that compute the products; differing ones may give different bits.
  package var productKernels: String {
    switch self {
    case .float32:
      (BlockProducts.multipliesFloat32 ? "own AVX-512, " : "") + "OpenBLAS \(BLAS.coreName)"
    case .bfloat16:
      (BlockProducts.multipliesBFloat16 ? "own AVX-512 BF16, " : "") + OneDNN.version
    }
  }

  /// Sets the threads of everything that this precision multiplies with.
  package func setThreadCount(_ count: Int) {
    BlockProducts.setThreadCount(count)
    BLAS.setThreadCount(count)
    if self == .bfloat16 { OneDNN.setThreadCount(count) }
  }
}
