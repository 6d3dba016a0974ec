internal import VectorKernels

/// The gated activation of a block's MLP: y = silu(gate) * up, silu(g) = g / (1 + exp(-g)).
///
/// Source: Shazeer, GLU Variants Improve Transformer, 2020.
package enum SwiGLU {
  /// y = silu(gate) * up; all [tokens, intermediate]; y may be up.
  package static func forward(
    gate: MatrixView, up: MatrixView, into y: MutableMatrixView
  ) {
    precondition(gate.columns == y.columns && up.columns == y.columns, "shapes differ")
    for row in 0..<gate.rows {
      unsafe vk_swiglu(
        gate.base + row * gate.stride, up.base + row * up.stride, y.base + row * y.stride, y.columns
      )
    }
  }

  /// dgate = dy * up * silu'(gate), dup = dy * silu(gate); dgate may be dy.
  package static func backward(
    _ dy: MatrixView, gate: MatrixView, up: MatrixView, intoGate dgate: MutableMatrixView,
    intoUp dup: MutableMatrixView
  ) {
    precondition(
      dy.columns == gate.columns && dgate.columns == gate.columns && dup.columns == gate.columns,
      "shapes differ")
    for row in 0..<gate.rows {
      unsafe vk_swiglu_backward(
        dy.base + row * dy.stride, gate.base + row * gate.stride, up.base + row * up.stride,
        dgate.base + row * dgate.stride, dup.base + row * dup.stride, gate.columns)
    }
  }

  /// y = silu(gate) * up of gates and ups that were kept as bfloat16 numbers.
  static func forward(gate: BFloat16View, up: BFloat16View, into y: MutableMatrixView) {
    precondition(gate.columns == y.columns && up.columns == y.columns, "shapes differ")
    for row in 0..<gate.rows {
      unsafe vk_swiglu_bf16(
        gate.base + row * gate.stride, up.base + row * up.stride, y.base + row * y.stride, y.columns
      )
    }
  }

  /// dgate = dy * up * silu'(gate), dup = dy * silu(gate) of the same; dgate may be dy.
  static func backward(
    _ dy: MatrixView, gate: BFloat16View, up: BFloat16View, intoGate dgate: MutableMatrixView,
    intoUp dup: MutableMatrixView
  ) {
    precondition(
      dy.columns == gate.columns && dgate.columns == gate.columns && dup.columns == gate.columns,
      "shapes differ")
    for row in 0..<gate.rows {
      unsafe vk_swiglu_backward_bf16(
        dy.base + row * dy.stride, gate.base + row * gate.stride, up.base + row * up.stride,
        dgate.base + row * dgate.stride, dup.base + row * dup.stride, gate.columns)
    }
  }
}
