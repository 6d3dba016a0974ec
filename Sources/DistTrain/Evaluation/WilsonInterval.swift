/// The 95 % score interval of a proportion.
///
/// Source: Wilson, Probable inference, JASA 22, 1927; z = 1.959964.
package struct WilsonInterval: Sendable, Equatable {
  package let low: Double, high: Double

  package init(correct: Int, of total: Int) {
    guard total > 0 else {
      (low, high) = (0, 1)
      return
    }
    let z = 1.959963984540054
    let n = Double(total)
    let p = Double(correct) / n
    let center = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    low = max(0, center - half)
    high = min(1, center + half)
  }
}
