/// |actual - expected| / |expected| in the L2 norm; the plain distance where expected is zero, infinite where the counts
/// differ or a value is not finite.
package func relativeError(_ actual: [Float], _ expected: [Float]) -> Double {
  guard actual.count == expected.count else { return .infinity }
  var distance = 0.0
  var size = 0.0
  for (a, e) in zip(actual, expected) {
    guard a.isFinite && e.isFinite else { return .infinity }
    distance += (Double(a) - Double(e)) * (Double(a) - Double(e))
    size += Double(e) * Double(e)
  }
  return size > 0 ? (distance / size).squareRoot() : distance.squareRoot()
}
