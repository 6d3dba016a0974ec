package import Model

/// Random values in -1..<1 that depend on the seed alone.
package func randomValues(_ count: Int, seed: UInt64) -> [Float] {
  var random = RandomStream(seed: seed, purpose: .split)
  return (0..<count).map { _ in 2 * random.uniform() - 1 }
}

/// Compares a backward pass with central differences of its forward pass in one random direction.
///
/// <c, J t> from two forward passes must equal <t, J^T c> from one backward pass; returns the relative difference.
///
/// - Parameters:
///   - x: Where the derivative is taken.
///   - forward: y(x).
///   - backward: J^T c at x.
package func adjointError(
  at x: [Float], seed: UInt64, step: Float = 1e-2, forward: ([Float]) -> [Float],
  backward: (_ x: [Float], _ c: [Float]) -> [Float]
) -> Double {
  let t = randomValues(x.count, seed: seed &+ 1)
  let ahead = forward(zip(x, t).map { $0 + step * $1 })
  let behind = forward(zip(x, t).map { $0 - step * $1 })
  let c = randomValues(ahead.count, seed: seed &+ 2)
  var expected = 0.0
  var size = 0.0
  for (c, (a, b)) in zip(c, zip(ahead, behind)) {
    let slope = (Double(a) - Double(b)) / (2 * Double(step))
    expected += Double(c) * slope
    size += slope * slope
  }
  let gradient = backward(x, c)
  let actual = zip(t, gradient).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
  // Random c and J t of n elements have an inner product of the order of |c| |J t| / sqrt(n).
  return abs(actual - expected) / max((size / 3).squareRoot(), 1e-6)
}

extension FloatBuffer {
  /// A buffer that holds `values`.
  package init(_ values: [Float]) {
    self.init(count: values.count)
    copy(from: values)
  }
}
