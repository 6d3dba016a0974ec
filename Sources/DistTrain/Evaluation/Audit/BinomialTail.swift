internal import Foundation

/// Probabilities of getting questions right by chance.
package enum BinomialTail {
  /// Questions up to which the distribution is computed exactly; beyond, the normal approximation is closer than anyone
  /// needs.
  private static let exactLimit = 5000

  /// P(X >= correct), where question i is right with probability `chances[i]`, independently.
  package static func atLeast(_ correct: Int, chances: [Double]) -> Double {
    guard correct > 0 else { return 1 }
    guard correct <= chances.count else { return 0 }
    guard chances.count <= exactLimit else { return normal(correct, chances) }
    if let chance = chances.first, chances.allSatisfy({ $0 == chance }) {
      return atLeast(correct, of: chances.count, chance: chance)
    }
    var probabilities = [Double](repeating: 0, count: chances.count + 1)
    probabilities[0] = 1
    for (done, chance) in chances.enumerated() {
      for count in stride(from: done + 1, to: 0, by: -1) {
        probabilities[count] =
          probabilities[count] * (1 - chance) + probabilities[count - 1] * chance
      }
      probabilities[0] *= 1 - chance
    }
    return min(1, probabilities[correct...].reversed().reduce(0, +))
  }

  /// P(X >= correct) of `total` trials with one probability.
  package static func atLeast(_ correct: Int, of total: Int, chance: Double) -> Double {
    guard correct > 0 else { return 1 }
    guard correct <= total, chance > 0 else { return 0 }
    guard chance < 1 else { return 1 }
    // From the smallest term on, so that little is lost.
    let terms = (correct...total).map { count in
      exp(
        logChoose(total, count) + Double(count) * log(chance) + Double(total - count)
          * log1p(-chance))
    }
    return min(1, terms.reversed().reduce(0, +))
  }

  private static func logChoose(_ total: Int, _ count: Int) -> Double {
    lgamma(Double(total) + 1) - lgamma(Double(count) + 1) - lgamma(Double(total - count) + 1)
  }

  private static func normal(_ correct: Int, _ chances: [Double]) -> Double {
    let mean = chances.reduce(0, +)
    let variance = chances.reduce(0) { $0 + $1 * (1 - $1) }
    guard variance > 0 else { return Double(correct) <= mean ? 1 : 0 }
    return 0.5 * erfc((Double(correct) - 0.5 - mean) / (2 * variance).squareRoot())
  }
}
