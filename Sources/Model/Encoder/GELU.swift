internal import VectorKernels

/// The Gaussian error linear unit with the exact distribution function, as BERT has it.
package enum GELU {
  /// y = x (1 + erf(x / sqrt(2))) / 2; both [tokens, size].
  package static func forward(_ x: MatrixView, into y: MutableMatrixView) {
    check(x, y.view)
    for row in 0..<x.rows {
      unsafe vk_gelu(x.base + row * x.stride, y.base + row * y.stride, x.columns)
    }
  }

  /// gradient *= gelu'(x), and y = gelu(x) once more, which then need not be kept; all [tokens, size].
  package static func backward(
    x: MatrixView, scaling gradient: MutableMatrixView, remaking y: MutableMatrixView
  ) {
    check(x, y.view)
    check(x, gradient.view)
    for row in 0..<x.rows {
      unsafe vk_gelu_backward(
        x.base + row * x.stride, gradient.base + row * gradient.stride, y.base + row * y.stride,
        x.columns)
    }
  }

  private static func check(_ x: MatrixView, _ y: MatrixView) {
    precondition(x.rows == y.rows && x.columns == y.columns, "shapes differ")
  }
}
