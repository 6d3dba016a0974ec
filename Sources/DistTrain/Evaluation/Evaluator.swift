package import Collective
package import Model

/// Log-likelihoods of questions and texts, shared out over the ranks; the result does not depend on their number.
package struct Evaluator: ~Copyable {
  private let model: QwenModel
  private let activations: ActivationBuffer
  /// What the largest batch needs.
  let plan: ActivationPlan

  package init(_ model: QwenModel, fitting batches: [MicroBatch]) {
    self.model = model
    plan = ActivationPlan(fitting: batches, keepsForBackward: false)
    activations = ActivationBuffer(plan, for: model)
  }

  /// Sums of log-probabilities of each batch's target groups.
  ///
  /// Communication: one sum over all values, to which each rank gives its own part, and over the ranks asked to stop,
  /// which skip what is left.
  private func sums(
    _ batches: [(batch: MicroBatch, counts: [Int])], adapter: borrowing FloatBuffer,
    over ranks: Communicator, _ title: String
  ) throws -> [[Double]] {
    let starts = batches.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.counts.count) }
    var values = [Double](repeating: 0, count: starts[batches.count])
    let shares = shares(ofCosts: batches.map(\.batch.tokens.count), worldSize: ranks.worldSize)
    let mine = shares[ranks.rank]
    let progress = WorkProgress(
      title + (ranks.worldSize > 1 ? ", share of rank 0" : ""), total: mine.count)
    for (done, index) in mine.enumerated() where StopSignal.pending == nil {
      if ranks.isRoot { progress.show(done) }
      let (batch, counts) = batches[index]
      var logs = model.logProbabilities(batch, adapter: adapter, activations)[...]
      for (position, count) in counts.enumerated() {
        values[starts[index] + position] = logs.prefix(count).reduce(0.0) { $0 + Double($1) }
        logs = logs.dropFirst(count)
      }
      ranks.watchdog?.progress()
    }
    values.append(StopSignal.pending == nil ? 0 : 1)
    try ranks.allReduce(&values, operation: .sum)
    guard values.removeLast() == 0 else { throw StopRequested() }
    return batches.indices.map { Array(values[starts[$0]..<starts[$0 + 1]]) }
  }

  /// The score of every candidate of every question.
  package func scores(
    _ items: [ScoringItem], adapter: borrowing FloatBuffer, over ranks: Communicator
  ) throws -> [[Double]] {
    try sums(items.map { ($0.batch, $0.targetCounts) }, adapter: adapter, over: ranks, "scoring")
  }

  /// The mean loss per target over all batches.
  package func meanLoss(
    _ batches: [MicroBatch], adapter: borrowing FloatBuffer, over ranks: Communicator
  ) throws -> Double {
    let pairs = batches.map { (batch: $0, counts: [$0.targetRows.count]) }
    let total = try sums(pairs, adapter: adapter, over: ranks, "validation").reduce(0.0) {
      $0 - $1[0]
    }
    return total / Double(max(1, batches.reduce(0) { $0 + $1.targetRows.count }))
  }
}
