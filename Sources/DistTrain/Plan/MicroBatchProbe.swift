internal import Collective
internal import Model

/// Times the work of a step on this machine: a few micro-batches, the exact sum, the update.
struct MicroBatchProbe {
  /// Measuring stops after so many seconds, though not before each batch was measured once.
  let seconds: Double

  private static let rounds = 5

  /// The smallest, a middle and the largest of ascending values, each once.
  static func ofEachSize<Value>(_ ascending: [Value]) -> [Value] {
    let places = [0, ascending.count / 2, ascending.count - 1].filter(ascending.indices.contains)
    return Set(places).sorted().map { ascending[$0] }
  }

  /// Medians of a pass over each batch; all ranks measure at once, as they will train.
  func measure<Batch: TrainingBatch>(
    _ batches: [Batch], over ranks: Communicator, pass: (Batch) -> Void
  ) throws -> [ComputeModel.Point] {
    func time(_ batch: Batch) -> Double {
      var watch = Stopwatch()
      pass(batch)
      ranks.watchdog?.progress()
      return watch.lap()
    }
    try ranks.barrier()
    // Brings the weights into memory and wakes the library's threads.
    if let first = batches.first { _ = time(first) }
    try ranks.barrier()
    let start = ContinuousClock.now
    var times = [[Double]](repeating: [], count: batches.count)
    rounds: for round in 0..<Self.rounds {
      for (index, batch) in batches.enumerated() {
        if round > 0 && start.secondsToNow > seconds { break rounds }
        times[index].append(time(batch))
      }
    }
    return zip(batches, times).map {
      ComputeModel.Point(tokens: $0.tokens.count, seconds: $1.median)
    }
  }

  /// The exact sum and the update with arenas of `count` elements.
  func measureArenas(
    count: Int, _ configuration: RunConfiguration
  ) throws -> (add: Double, reset: Double, update: Double) {
    let gradients = FloatBuffer(count: count)
    let parameters = FloatBuffer(count: count)
    let first = FloatBuffer(count: count)
    let second = FloatBuffer(count: count)
    var sum = ExactSum(count: count, contributions: Self.rounds)
    var update = SummedUpdate(configuration, count: count)
    var (adds, resets, updates): ([Double], [Double], [Double]) = ([], [], [])
    gradients.zero()
    for step in 1...Self.rounds {
      var watch = Stopwatch()
      sum.add(gradients.span)
      adds.append(watch.lap())
      try sum.reset()
      resets.append(watch.lap())
      _ = update.update(
        parameters, firstMoment: first, secondMoment: second, sum, scaledBy: 1, learningRate: 0,
        step: step)
      updates.append(watch.lap())
    }
    return (adds.median, resets.median, updates.median)
  }
}
