import DistTrain
import Testing

struct SplitTests {
  /// NumPy's own first values: default_rng(42) twice, as the published split was made.
  @Test func `the published split is reproduced`() throws {
    let split = try Split.seed(500)
    #expect(split.heldOut.prefix(10) == [64, 219, 493, 319, 199, 263, 396, 160, 20, 341])
    #expect(split.validation.prefix(10) == [205, 476, 174, 386, 147, 474, 196, 246, 454, 83])
    #expect(split.train.prefix(10) == [35, 89, 376, 470, 472, 130, 237, 248, 370, 176])
    #expect(split.train.suffix(5) == [80, 79, 279, 16, 350])
    #expect(split.heldOut.last == 397 && split.validation.last == 400)
    #expect((split.train + split.validation + split.heldOut).sorted() == Array(0..<500))
  }

  @Test(arguments: [(10, 0.8, 0.1), (500, 0.8, 0.1), (7, 0.5, 0.0), (901, 0.75, 0.1)])
  func `parts are disjoint, complete and of the stated sizes`(
    count: Int, train: Double, validation: Double
  ) throws {
    let split = try Split.ratios(count, train: train, validation: validation, seed: 3)
    #expect(split.train.count == Int((Double(count) * train).rounded()))
    #expect((split.train + split.validation + split.heldOut).sorted() == Array(0..<count))
    #expect(try split != Split.ratios(count, train: train, validation: validation, seed: 4))
  }

  @Test func `an empty part is refused`() {
    #expect(throws: DatasetError.self) {
      try Split.ratios(3, train: 1, validation: 0, seed: 1)
    }
  }
}

struct TrainingPlanTests {
  @Test(arguments: [(10, 1, 4, true), (33, 2, 5, false), (5, 3, 16, true)])
  func `every example is seen once in each epoch`(
    count: Int, batch: Int, accumulation: Int, shuffles: Bool
  ) {
    let plan = TrainingPlan(
      exampleCount: count, batchSize: batch, accumulation: accumulation, epochs: 2,
      maximumSteps: -1, seed: 1, shuffles: shuffles)
    #expect(plan.totalSteps == 2 * plan.windowsPerEpoch)
    for epoch in 0..<2 {
      let windows = (1...plan.windowsPerEpoch).map {
        plan.window(ofStep: epoch * plan.windowsPerEpoch + $0)
      }
      #expect(windows.flatMap { $0.microBatches.flatMap { $0 } }.sorted() == Array(0..<count))
    }
    #expect((plan.order(ofEpoch: 0) == plan.order(ofEpoch: 1)) == !shuffles)
  }

  @Test(arguments: [1, 2, 3, 7, 64], [1, 5, 16])
  func `shares are contiguous, complete and even`(worldSize: Int, count: Int) {
    let shares = (0..<worldSize).map { share(of: count, rank: $0, worldSize: worldSize) }
    #expect(shares.flatMap { Array($0) } == Array(0..<count))
    let sizes = shares.map(\.count)
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
  }
}

struct WilsonIntervalTests {
  /// Values of statsmodels' proportion_confint(method="wilson").
  @Test(arguments: [
    (50, 50, 0.9286524, 1.0), (37, 50, 0.6044887, 0.8413221), (0, 10, 0.0, 0.2775328),
  ])
  func `the interval is the published formula's`(
    correct: Int, total: Int, low: Double, high: Double
  ) {
    let interval = WilsonInterval(correct: correct, of: total)
    #expect(abs(interval.low - low) < 1e-4)
    #expect(abs(interval.high - high) < 1e-4)
  }
}
