internal import Model

/// Which examples every optimizer step of a run sees: a function of the configuration alone.
package struct TrainingPlan: Sendable, Equatable {
  package let exampleCount: Int, batchSize: Int, accumulation: Int, totalSteps: Int
  package let seed: UInt64
  package let shuffles: Bool

  /// Either `maximumSteps` (if positive) or whole epochs give the number of steps.
  package init(
    exampleCount: Int, batchSize: Int, accumulation: Int, epochs: Double, maximumSteps: Int,
    seed: UInt64, shuffles: Bool
  ) {
    precondition(exampleCount > 0 && batchSize > 0 && accumulation > 0, "nothing to train on")
    self.exampleCount = exampleCount
    self.batchSize = batchSize
    self.accumulation = accumulation
    self.seed = seed
    self.shuffles = shuffles
    let windows = Self.ceilingDivision(exampleCount, batchSize * accumulation)
    totalSteps =
      maximumSteps > 0 ? maximumSteps : max(1, Int((epochs * Double(windows)).rounded(.up)))
  }

  private static func ceilingDivision(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }

  /// Optimizer steps of an epoch; the last may have fewer micro-batches.
  package var windowsPerEpoch: Int {
    Self.ceilingDivision(exampleCount, batchSize * accumulation)
  }

  /// One optimizer step's work.
  package struct Window: Sendable, Equatable {
    package let epoch: Int, indexInEpoch: Int
    /// Positions in the training split, one list per micro-batch.
    package let microBatches: [[Int]]
    /// The number of the first micro-batch, counted over the whole run.
    package let firstMicroBatch: Int
  }

  /// The order of the training split in `epoch`.
  package func order(ofEpoch epoch: Int) -> [Int] {
    guard shuffles else { return Array(0..<exampleCount) }
    var random = RandomStream(seed: seed, purpose: .epochOrder, epoch)
    return random.permutation(exampleCount)
  }

  /// The epoch of step `step`, counted from 0.
  package func epoch(ofStep step: Int) -> Int { (step - 1) / windowsPerEpoch }

  /// The window of step `step`, counted from 1.
  package func window(ofStep step: Int) -> Window {
    window(ofStep: step, order: order(ofEpoch: epoch(ofStep: step)))
  }

  /// The same where the order of its epoch is known.
  package func window(ofStep step: Int, order: [Int]) -> Window {
    let epoch = epoch(ofStep: step)
    let index = (step - 1) % windowsPerEpoch
    let first = index * batchSize * accumulation
    let last = min(first + batchSize * accumulation, exampleCount)
    let microBatches = stride(from: first, to: last, by: batchSize).map { start in
      Array(order[start..<min(start + batchSize, last)])
    }
    return Window(
      epoch: epoch, indexInEpoch: index, microBatches: microBatches,
      firstMicroBatch: (step - 1) * accumulation)
  }

  /// Epochs done after `step` steps, fractions included.
  package func epochs(afterStep step: Int) -> Double {
    let done = step / windowsPerEpoch
    let examples = min((step % windowsPerEpoch) * batchSize * accumulation, exampleCount)
    return Double(done) + Double(examples) / Double(exampleCount)
  }
}

/// The part of 0..<count that belongs to `rank`: contiguous, and no longer than any other by more than one.
package func share(of count: Int, rank: Int, worldSize: Int) -> Range<Int> {
  count * rank / worldSize..<count * (rank + 1) / worldSize
}

/// Which of the items each rank computes: the largest first, each by the rank with the least work so far.
///
/// Every rank computes the same lists; a rank's own are in ascending order. Source: Graham, Bounds on multiprocessing
/// timing anomalies, 1969.
package func shares(ofCosts costs: [Int], worldSize: Int) -> [[Int]] {
  var shares = [[Int]](repeating: [], count: worldSize)
  var work = [Int](repeating: 0, count: worldSize)
  let order = costs.indices.sorted { (costs[$1], $0) < (costs[$0], $1) }
  for index in order {
    let rank = work.indices.min { work[$0] < work[$1] } ?? 0
    shares[rank].append(index)
    work[rank] += costs[index]
  }
  return shares.map { $0.sorted() }
}

/// Which of the items at `indices` are taken together: the largest first, each with the first that it `fits` together with.
package func groups(
  ofCosts costs: [Int], among indices: [Int], fits: ([Int]) -> Bool
) -> [[Int]] {
  var groups: [[Int]] = []
  for index in indices.sorted(by: { (costs[$1], $0) < (costs[$0], $1) }) {
    if let place = groups.firstIndex(where: { fits($0 + [index]) }) {
      groups[place].append(index)
    } else {
      groups.append([index])
    }
  }
  return groups
}
