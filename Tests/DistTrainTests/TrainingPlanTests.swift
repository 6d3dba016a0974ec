import DistTrain
import Model
import Testing

struct TrainingPlanTests {
  private static func plan(
    _ count: Int, _ batch: Int, _ accumulation: Int, epochs: Double = 2, steps: Int = -1,
    shuffles: Bool = true, seed: UInt64 = 1
  ) -> TrainingPlan {
    TrainingPlan(
      exampleCount: count, batchSize: batch, accumulation: accumulation, epochs: epochs,
      maximumSteps: steps, seed: seed, shuffles: shuffles)
  }

  @Test(arguments: [
    (10, 1, 4, true), (33, 2, 5, false), (5, 3, 16, true), (1, 1, 1, true), (1, 64, 64, true),
    (400, 1, 16, true), (17, 4, 1, true), (16, 4, 4, false),
  ])
  func `every example is seen once in each epoch`(
    count: Int, batch: Int, accumulation: Int, shuffles: Bool
  ) {
    let plan = Self.plan(count, batch, accumulation, shuffles: shuffles)
    #expect(plan.totalSteps == 2 * plan.windowsPerEpoch)
    for epoch in 0..<2 {
      let windows = (1...plan.windowsPerEpoch).map {
        plan.window(ofStep: epoch * plan.windowsPerEpoch + $0)
      }
      #expect(windows.flatMap { $0.microBatches.flatMap { $0 } }.sorted() == Array(0..<count))
      #expect(windows.map(\.epoch).allSatisfy { $0 == epoch })
      #expect(windows.map(\.indexInEpoch) == Array(0..<plan.windowsPerEpoch))
      // All windows but the last are full, and within a window all micro-batches but the last.
      for window in windows.dropLast() { #expect(window.microBatches.count == accumulation) }
      for batches in windows.map(\.microBatches) {
        #expect(!batches.isEmpty && batches.count <= accumulation)
        #expect(batches.dropLast().allSatisfy { $0.count == batch })
        #expect((1...batch).contains(batches[batches.count - 1].count))
      }
    }
    if count > 4 {
      #expect((plan.order(ofEpoch: 0) == plan.order(ofEpoch: 1)) == !shuffles)
    }
  }

  @Test func `random plans see each example once and number their micro-batches apart`() {
    for number in 0..<200 {
      var random = RandomStream(seed: 7, purpose: .split, number)
      func draw(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(random.uniform() * Float(range.count))
      }
      let count = draw(1...60)
      let batch = draw(1...7)
      let accumulation = draw(1...9)
      let plan = Self.plan(
        count, batch, accumulation, seed: UInt64(number))
      var numbers: [Int] = []
      var seen = [Int](repeating: 0, count: count)
      for step in 1...plan.totalSteps {
        let window = plan.window(ofStep: step)
        numbers += window.microBatches.indices.map { window.firstMicroBatch + $0 }
        for example in window.microBatches.joined() { seen[example] += 1 }
      }
      #expect(seen == [Int](repeating: 2, count: count), "\(count) \(batch) \(accumulation)")
      #expect(Set(numbers).count == numbers.count, "\(count) \(batch) \(accumulation)")
    }
  }

  @Test(arguments: [
    (400, 16, 5.0, -1, 125), (400, 16, 0.5, -1, 13), (400, 16, 5, 7, 7), (10, 16, 0.001, -1, 1),
    (17, 16, 1, -1, 2), (17, 16, 1.5, -1, 3),
  ])
  func `steps come from epochs unless they are given`(
    count: Int, accumulation: Int, epochs: Double, steps: Int, expected: Int
  ) {
    #expect(
      Self.plan(count, 1, accumulation, epochs: epochs, steps: steps).totalSteps == expected)
  }

  @Test func `a step's window does not depend on the steps before it`() {
    let long = Self.plan(50, 2, 4, epochs: 9)
    let short = Self.plan(50, 2, 4, epochs: 1, steps: 20)
    for step in 1...20 { #expect(long.window(ofStep: step) == short.window(ofStep: step)) }
  }

  @Test func `epochs grow with the examples seen`() {
    let plan = Self.plan(10, 2, 2)
    #expect((0...6).map { plan.epochs(afterStep: $0) } == [0, 0.4, 0.8, 1, 1.4, 1.8, 2])
  }

  @Test(arguments: [1, 2, 3, 7, 64, 1000], [0, 1, 5, 16, 999])
  func `shares are contiguous, complete and even`(worldSize: Int, count: Int) {
    let shares = (0..<worldSize).map { share(of: count, rank: $0, worldSize: worldSize) }
    #expect(shares.flatMap { Array($0) } == Array(0..<count))
    let sizes = shares.map(\.count)
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    #expect(sizes.count { $0 == 0 } == max(0, worldSize - count), "idle ranks")
  }

  @Test(arguments: [1, 2, 3, 7, 64], [0, 1, 5, 16, 99])
  func `work is shared out whole, and no rank has a third more than it must`(
    worldSize: Int, count: Int
  ) {
    var random = RandomStream(seed: 3, purpose: .split, worldSize, count)
    let costs = (0..<count).map { _ in Int.random(in: 60...200, using: &random) }
    let lists = shares(ofCosts: costs, worldSize: worldSize)
    #expect(lists.count == worldSize)
    #expect(lists.flatMap { $0 }.sorted() == Array(0..<count))
    #expect(lists.allSatisfy { $0 == $0.sorted() })
    let work = lists.map { $0.reduce(0) { $0 + costs[$1] } }
    // No schedule is shorter than the mean, or than the longest item.
    let least = max(Double(costs.reduce(0, +)) / Double(worldSize), Double(costs.max() ?? 0))
    #expect(Double(work.max() ?? 0) <= 4 / 3 * least + 200)
    #expect(shares(ofCosts: [3, 5, 3, 4, 3], worldSize: 2) == [[1, 2], [0, 3, 4]])
  }
}
