package import Model

/// How often answers that are given with some probability are right.
///
/// Expected calibration error: sum over bins of count / n * |accuracy - mean confidence|.
/// Source: Naeini et al., Obtaining well calibrated probabilities using Bayesian binning, 2015.
package struct Calibration: Sendable, Equatable {
  package struct Bin: Sendable, Equatable {
    /// Confidences above `low` (the first bin: from it) up to `high`.
    package let low: Double, high: Double
    package var count = 0, correct = 0
    package var confidenceSum = 0.0

    package var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }
    package var confidence: Double { count == 0 ? 0 : confidenceSum / Double(count) }
  }
  /// Ten bins of equal width.
  package private(set) var bins: [Bin]
  private static let binCount = 10

  package init(_ answers: [(confidence: Double, isCorrect: Bool)]) {
    bins = (0..<Self.binCount).map {
      Bin(low: Double($0) / Double(Self.binCount), high: Double($0 + 1) / Double(Self.binCount))
    }
    for (confidence, isCorrect) in answers {
      let index = Int((confidence * Double(Self.binCount)).rounded(.up)) - 1
      let bin = min(max(index, 0), Self.binCount - 1)
      bins[bin].count += 1
      bins[bin].correct += isCorrect ? 1 : 0
      bins[bin].confidenceSum += confidence
    }
  }

  package var expectedError: Double {
    let total = bins.reduce(0) { $0 + $1.count }
    guard total > 0 else { return 0 }
    return bins.reduce(0.0) { sum, bin in
      sum + Double(bin.count) / Double(total) * abs(bin.accuracy - bin.confidence)
    }
  }

  package var json: JSONValue {
    .object([
      "bins": .array(
        bins.map { bin in
          .object([
            "low": .double(bin.low), "high": .double(bin.high), "count": .integer(bin.count),
            "confidence": bin.count == 0 ? .null : .double(bin.confidence),
            "accuracy": bin.count == 0 ? .null : .double(bin.accuracy),
          ])
        }), "expected_calibration_error": .double(expectedError),
    ])
  }
}
