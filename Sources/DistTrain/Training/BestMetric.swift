/// By what one validation is better than another.
package enum BestMetric: String, Sendable, CaseIterable {
  /// The lower mean loss per token.
  case loss
  /// The higher share of right answers; among equals the earlier validation stays the best.
  case accuracy

  package func isBetter(_ value: Double, than best: Double) -> Bool {
    self == .loss ? value < best : value > best
  }

  /// What every first validation is better than.
  package var worst: Double { self == .loss ? .infinity : -1 }
}
