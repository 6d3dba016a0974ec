/// The work of one optimizer step on one rank, made before it begins.
package struct TrainingWindow<Model: Learner>: Sendable {
  /// Micro-batches and tokens of all ranks.
  let count: Int
  package let tokens: Int
  /// What the sum of the losses is divided by.
  let divisor: Int
  /// Where the gradient of any micro-batch may differ from zero: ascending, without gaps between neighbours.
  let touched: [Range<Int>]
  /// This rank's.
  let passes: [Model.Pass]

  /// - Parameters:
  ///   - batches: The window's micro-batches, all ranks'.
  ///   - first: The number of the first one in the run.
  package init(
    _ batches: [Model.Batch], first: Int, divisor: Int, _ learner: Model, rank: Int,
    worldSize: Int
  ) {
    count = batches.count
    tokens = batches.reduce(0) { $0 + $1.tokens.count }
    self.divisor = divisor
    touched = Self.union(batches.flatMap(learner.touchedRanges))
    let shares = shares(ofCosts: batches.map(\.tokens.count), worldSize: worldSize)
    passes = learner.passes(batches, first: first, among: shares[rank])
  }

  /// What any of the ranges covers, ascending and without gaps between neighbours.
  private static func union(_ ranges: [Range<Int>]) -> [Range<Int>] {
    var union: [Range<Int>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = union.last, range.lowerBound <= last.upperBound {
        union[union.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        union.append(range)
      }
    }
    return union
  }
}
