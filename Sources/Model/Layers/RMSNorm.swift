internal import VectorKernels

/// Scales each row to unit root mean square, then by a frozen weight.
package struct RMSNorm: Sendable {
  /// The frozen scale: [size].
  package let weight: [Float]
  package let epsilon: Float

  package init(weight: [Float], epsilon: Float) {
    self.weight = weight
    self.epsilon = epsilon
  }

  /// y = weight * x / rms(x), for each group of `size` elements of a row.
  ///
  /// - Parameters:
  ///   - x: The input: [tokens, groups * size].
  ///   - y: The output, overwritten: [tokens, groups * size].
  ///   - inverseRMS: 1 / rms(x), kept for the backward pass, overwritten: [tokens, groups].
  package func forward(
    _ x: MatrixView, into y: MutableMatrixView, inverseRMS: MutableMatrixView
  ) {
    let groups = checkedGroups(x, inverseRMS.view)
    precondition(y.rows == x.rows && y.columns == x.columns, "shapes differ")
    for row in 0..<x.rows {
      for group in 0..<groups {
        let offset = group * weight.count
        inverseRMS[row, group] = unsafe vk_rms_norm(
          x.base + row * x.stride + offset, weight, epsilon, y.base + row * y.stride + offset,
          weight.count)
      }
    }
  }

  /// dx += r * (weight * dy - x * r^2 * mean(weight * dy * x)), with r = 1 / rms(x).
  ///
  /// The weight is frozen, so there is no weight gradient.
  package func backward(
    _ dy: MatrixView, x: MatrixView, inverseRMS: MatrixView, accumulatingInto dx: MutableMatrixView
  ) {
    let groups = checkedGroups(x, inverseRMS)
    precondition(
      dy.rows == x.rows && dy.columns == x.columns && dx.rows == x.rows && dx.columns == x.columns,
      "shapes differ")
    for row in 0..<x.rows {
      for group in 0..<groups {
        let offset = group * weight.count
        unsafe vk_rms_norm_backward(
          dy.base + row * dy.stride + offset, x.base + row * x.stride + offset, weight,
          inverseRMS[row, group], dx.base + row * dx.stride + offset, weight.count)
      }
    }
  }

  private func checkedGroups(_ x: MatrixView, _ inverseRMS: MatrixView) -> Int {
    let groups = x.columns / weight.count
    precondition(
      groups * weight.count == x.columns && inverseRMS.rows == x.rows
        && inverseRMS.columns == groups, "shapes differ")
    return groups
  }
}
