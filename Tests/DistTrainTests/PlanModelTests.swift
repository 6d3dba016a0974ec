import DistTrain
import Model
import Testing

struct AllReduceModelTests {
  private static let link = AllReduceModel(
    networkBytesPerSecond: 1e8, localBytesPerSecond: 1e9, latency: 1e-4, pieceBytes: 1_000_000)

  private struct Case {
    let ranks: Int, hosts: Int, bytes: Int
    let seconds: Double
  }
  /// 2 (n - 1) / n x bytes x (1e-8 + 1e-9) + pieces x 2 (n - 1) x 1e-4.
  private static let cases: [Case] = [
    Case(ranks: 1, hosts: 1, bytes: 1_000_000, seconds: 0),
    Case(ranks: 2, hosts: 2, bytes: 1_000_000, seconds: 0.0112),
    Case(ranks: 2, hosts: 2, bytes: 1_000_001, seconds: 0.011400011),
    Case(ranks: 4, hosts: 2, bytes: 10_000_000, seconds: 0.171),
    Case(ranks: 4, hosts: 1, bytes: 10_000_000, seconds: 0.021),
    Case(ranks: 64, hosts: 64, bytes: 1_000_000, seconds: 0.03425625),
  ]

  @Test(arguments: cases.indices)
  func `the time of an all-reduce follows the ring`(index: Int) {
    let item = Self.cases[index]
    let predicted = Self.link.seconds(bytes: item.bytes, ranks: item.ranks, hosts: item.hosts)
    #expect(abs(predicted - item.seconds) < 1e-8, "\(item)")
  }

  @Test(arguments: [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (64, 6)])
  func `a small message takes the logarithm of the ranks`(ranks: Int, rounds: Int) {
    let seconds = Self.link.smallSeconds(ranks: ranks)
    #expect(abs(seconds - 1e-4 * Double(rounds)) < 1e-12)
  }

  @Test(arguments: [(2, 2), (6, 3)])
  func `figures from measured times give these times again`(ranks: Int, hosts: Int) {
    let link = AllReduceModel(
      networkBytesPerSecond: 1e8, localBytesPerSecond: .infinity, latency: 1e-5,
      pieceBytes: 1_000_000)
    let times = [
      AllReduceTime(bytes: 8, seconds: link.smallSeconds(ranks: ranks)),
      AllReduceTime(
        bytes: 16_000_000, seconds: link.seconds(bytes: 16_000_000, ranks: ranks, hosts: hosts)),
    ]
    let found = AllReduceModel(times, ranks: ranks, hosts: hosts, pieceBytes: 1_000_000)
    #expect(abs(found.networkBytesPerSecond - 1e8) < 1)
    #expect(abs(found.latency - 1e-5) < 1e-12)
    #expect(found.localBytesPerSecond == .infinity)
  }

  @Test func `a nominal rate loses the headers of its frames`() {
    let link = AllReduceModel(
      gigabits: 1, latency: 0, localBytesPerSecond: .infinity, pieceBytes: 1)
    #expect(abs(link.networkBytesPerSecond - 117.69e6) < 1e4)
  }
}

struct ComputeModelTests {
  @Test func `points on a line give the line`() {
    let points = [64, 128, 256].map {
      ComputeModel.Point(tokens: $0, seconds: 0.5 + 0.01 * Double($0))
    }
    let model = ComputeModel(fitting: points, addSeconds: 0, resetSeconds: 0, updateSeconds: 0)
    #expect(abs(model.secondsPerPass - 0.5) < 1e-9)
    #expect(abs(model.seconds(tokens: 100) - 1.5) < 1e-9)
  }

  private static let proportions: [[ComputeModel.Point]] = [
    [.init(tokens: 100, seconds: 2)],
    [.init(tokens: 50, seconds: 1), .init(tokens: 100, seconds: 2.1)],
    [.init(tokens: 50, seconds: 2), .init(tokens: 100, seconds: 1)],
  ]

  @Test(arguments: proportions)
  func `points that give no line from above zero give a proportion`(points: [ComputeModel.Point]) {
    let model = ComputeModel(fitting: points, addSeconds: 0, resetSeconds: 0, updateSeconds: 0)
    #expect(model.secondsPerPass == 0)
    let tokens = points.reduce(0) { $0 + $1.tokens }
    let seconds = points.reduce(0) { $0 + $1.seconds }
    #expect(abs(model.secondsPerToken - seconds / Double(tokens)) < 1e-12)
  }
}

struct StepEstimateTests {
  /// Passes of a long micro-batch and a short one have less than twice the mean, and more than the longest.
  @Test(arguments: [
    (120, [60, 60]), (100, [100]), (20, [20]), (160, [80, 80]), (300, [100, 100, 100]),
  ])
  func `a timed pass has no longer sequences than the run`(tokens: Int, lengths: [Int]) {
    let workload = Workload(
      steps: [[100, 100, 100, 20]], totalSteps: 1, tokensPerPass: 300, source: "")
    #expect(workload.sequenceLengths(tokens: tokens, batchSize: 1, longest: 100) == lengths)
  }

  /// One second per token, a tenth per added micro-batch.
  private static let compute = ComputeModel(
    secondsPerPass: 0, secondsPerToken: 1, addSeconds: 0.1, resetSeconds: 0.2,
    updateSeconds: 0.3)
  private static let network = AllReduceModel(
    networkBytesPerSecond: 8, localBytesPerSecond: .infinity, latency: 0, pieceBytes: 1 << 20)

  private static func estimate(_ windows: [[Int]], ranks: Int) -> StepEstimate {
    StepEstimate(
      Workload(steps: windows, totalSteps: windows.count, source: ""),
      compute, network, parameters: 0, ranks: ranks, hosts: ranks)
  }

  /// The slowest rank has ceil(W / n) micro-batches where all are equal.
  @Test(arguments: [(1, 16), (2, 8), (3, 6), (5, 4), (7, 3), (15, 2), (16, 1), (20, 1), (64, 1)])
  func `the slowest rank has the most micro-batches`(ranks: Int, most: Int) {
    let step = Self.estimate([[Int](repeating: 1, count: 16)], ranks: ranks)
    let work: Double = 1.1 * Double(most)
    let found: Double = step.compute + step.wait + step.exactSum
    #expect(abs(found - work - 0.2) < 1e-9)
    let reduced: Double = ranks == 1 ? 0 : 2 * Double(ranks - 1) / Double(ranks)
    #expect(abs(step.allReduce - reduced) < 1e-9)
    #expect(abs(step.total - work - reduced - 0.5) < 1e-9)
  }

  @Test func `the root waits for a rank with more tokens`() {
    // 5 and 3 against 4, 3 and 3.
    let step = Self.estimate([[3, 5, 3, 4, 3]], ranks: 2)
    #expect(abs(step.compute - 8) < 1e-9)
    #expect(abs(step.wait - 2.1) < 1e-9)
    #expect(abs(step.exactSum - 0.4) < 1e-9)
  }

  @Test func `steps are averaged, a short last one too`() {
    let step = Self.estimate([[2, 2], [2]], ranks: 2)
    // In the second step the second rank has nothing to do.
    #expect(abs(step.compute - 2) < 1e-9)
    #expect(abs(step.wait) < 1e-9)
    #expect(abs(step.exactSum - 0.3) < 1e-9)
  }
}

struct PlannedJobTests {
  private static let alone = PlannedJob.Running(hosts: 1, ranks: 1, times: [], pieceBytes: 1 << 20)
  private static let two = PlannedJob.Running(
    hosts: 2, ranks: 4,
    times: [.init(bytes: 8, seconds: 2e-5), .init(bytes: 16 << 20, seconds: 0.1)],
    pieceBytes: 1 << 20)

  @Test func `nothing asked for is the job that runs`() {
    let job = PlannedJob(PlannedJob.Request(), running: Self.two, threads: 2)
    #expect(job.hosts == 2 && job.ranksPerHost == 2 && job.ranks == 4)
    #expect(job.networkSource == "measured between these hosts")
    #expect(job.latency == 1e-5)
  }

  @Test func `what is given wins over what is measured`() {
    var request = PlannedJob.Request()
    (request.hosts, request.ranksPerHost, request.bandwidth, request.latency) = (8, 3, 10, 20)
    let job = PlannedJob(request, running: Self.two, threads: 1)
    #expect(job.ranks == 24 && job.networkSource == "as given")
    #expect(abs(job.network.networkBytesPerSecond - 1.25e9 * 1448 / 1538) < 1)
    #expect(job.network.latency == 2e-5)
  }

  @Test func `an unknown network is said to be assumed`() {
    var request = PlannedJob.Request()
    request.hosts = 4
    let job = PlannedJob(request, running: Self.alone, threads: 1)
    #expect(job.networkSource.hasPrefix("assumed"))
    #expect(job.ranks == 4)
  }
}
