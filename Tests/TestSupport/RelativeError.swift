/// |actual - expected| / |expected| in the L2 norm; the plain distance where expected is zero.
package func relativeError(_ actual: [Float], _ expected: [Float]) -> Double {
  precondition(actual.count == expected.count, "\(actual.count) values against \(expected.count)")
  var distance = 0.0
  var size = 0.0
  for (a, e) in zip(actual, expected) {
    guard a.isFinite else { return .infinity }
    distance += (Double(a) - Double(e)) * (Double(a) - Double(e))
    size += Double(e) * Double(e)
  }
  return size > 0 ? (distance / size).squareRoot() : distance.squareRoot()
}
