/// McNemar's exact test of two runs that answered the same questions: under the null hypothesis each question that one
/// of them alone has right is as likely to be the one's as the other's.
///
/// Source: McNemar, Note on the sampling error of the difference between correlated proportions, Psychometrika 12, 1947;
/// exact by the binomial distribution with p = 1/2.
package struct McNemar: Sendable, Equatable {
  /// Questions that only the first run has right, and only the second.
  package let onlyFirst: Int, onlySecond: Int

  package init(onlyFirst: Int, onlySecond: Int) {
    precondition(onlyFirst >= 0 && onlySecond >= 0, "counts cannot be negative")
    self.onlyFirst = onlyFirst
    self.onlySecond = onlySecond
  }

  /// Counts pairs of answers to the same questions.
  package init(_ pairs: some Sequence<(first: Bool, second: Bool)>) {
    var (onlyFirst, onlySecond) = (0, 0)
    for pair in pairs where pair.first != pair.second {
      if pair.first { onlyFirst += 1 } else { onlySecond += 1 }
    }
    self.init(onlyFirst: onlyFirst, onlySecond: onlySecond)
  }

  /// The two-sided p-value, min(1, 2 P(X <= k)) of X ~ B(n, 1/2) with n discordant questions and k the smaller count; 1
  /// where there are none.
  package var pValue: Double {
    let count = onlyFirst + onlySecond
    let smaller = min(onlyFirst, onlySecond)
    var sum = 0.0
    // The terms fall from the last one on, so each is taken relative to it; what no longer counts is left out.
    var ratio = 1.0
    for index in stride(from: smaller, through: 0, by: -1) {
      sum += ratio
      ratio *= Double(index) / Double(count - index + 1)
      if ratio < sum * 1e-18 { break }
    }
    return min(1, 2 * sum * Self.probability(of: smaller, outOf: count))
  }

  /// C(n, k) / 2^n, multiplied out with the powers of two spread over the factors so that nothing over- or underflows
  /// on the way.
  private static func probability(of chosen: Int, outOf count: Int) -> Double {
    var (significand, exponent) = (1.0, -count)
    for index in stride(from: 1, through: chosen, by: 1) {
      significand *= Double(count - chosen + index) / Double(index)
      let power = Int(significand.exponent)
      significand = significand.significand
      exponent += power
    }
    return exponent < -1100 ? 0 : Double(sign: .plus, exponent: exponent, significand: significand)
  }
}
