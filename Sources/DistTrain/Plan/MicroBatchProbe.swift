internal import Collective
internal import Model

/// Times the work of a step on this machine: a few micro-batches, the exact sum, the update.
struct MicroBatchProbe {
  let configuration: RunConfiguration
  let workload: Workload
  /// Measuring stops after so many seconds, though not before each size was measured once.
  let seconds: Double

  private static let rounds = 5

  /// Token counts to measure: the smallest, a middle and the largest micro-batch.
  private var sizes: [Int] {
    let all = workload.steps.flatMap { $0 }.sorted()
    guard let first = all.first, let last = all.last else { return [] }
    return Set([first, all[all.count / 2], last]).sorted()
  }

  /// A micro-batch of `tokens` tokens in sequences of the same length.
  private func microBatch(tokens: Int, vocabulary: Int) -> MicroBatch {
    var batch = MicroBatch()
    let count = min(configuration.batchSize, max(1, tokens / 2))
    for index in 0..<count {
      let length = max(2, share(of: tokens, rank: index, worldSize: count).count)
      let sequence = (0..<length).map { Int32(($0 * 7919 + index) % vocabulary) }
      batch.append(sequence, targetsFrom: configuration.lossOnAll ? 1 : max(1, length - 2))
    }
    return batch
  }

  /// Medians of forward and backward at each size; all ranks measure at once, as they will train.
  func measure(
    _ model: QwenModel, seconds: Double, over ranks: Communicator
  ) throws -> [ComputeModel.Point] {
    guard let layout = model.layout else { preconditionFailure("a plan has an adapter") }
    let vocabulary = model.configuration.vocabularySize
    let batches = sizes.map { microBatch(tokens: $0, vocabulary: vocabulary) }
    let activations = ActivationBuffer(
      ActivationPlan(
        fitting: batches, keepsForBackward: true, checkpointing: configuration.checkpointing),
      for: model)
    let parameters = FloatBuffer(freshAdapter: layout, seed: configuration.seed)
    let gradients = FloatBuffer(count: layout.count)
    func time(_ batch: MicroBatch) -> Double {
      var watch = Stopwatch()
      let dropout = Dropout(
        probability: layout.configuration.dropout, seed: configuration.seed, microBatch: 0)
      _ = model.forwardBackward(
        batch, adapter: parameters, dropout: dropout, accumulatingInto: gradients, activations)
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

  /// The same without weights: time(L layers) = time(1) + (L - 1) x (time(3) - time(1)) / 2, where the vocabulary is small in
  /// the difference, and as it is in time(1).
  func measure(zerosIn source: ModelSizes, over ranks: Communicator) throws -> [ComputeModel.Point]
  {
    let layers = source.configuration.layerCount
    func points(_ layers: Int, _ vocabulary: Int) throws -> [ComputeModel.Point] {
      let zeros = try ZeroModel(source.path, layers: layers, vocabulary: vocabulary)
      let model = try zeros.model(
        configuration.lora, longestSequence: workload.training.sequence,
        precision: configuration.precision)
      return try measure(model, seconds: seconds / 3, over: ranks)
    }
    let whole = try points(1, source.configuration.vocabularySize)
    guard layers > 1 else { return whole }
    let few = min(layers, 3)
    let small = min(source.configuration.vocabularySize, 1024)
    let (one, more) = (try points(1, small), try points(few, small))
    return whole.indices.map { index in
      let block = (more[index].seconds - one[index].seconds) / Double(few - 1)
      return ComputeModel.Point(
        tokens: whole[index].tokens,
        seconds: whole[index].seconds + Double(layers - 1) * max(0, block))
    }
  }

  /// The exact sum and the update with arenas of the adapter's size.
  func measureArenas(_ layout: AdapterLayout) -> (add: Double, write: Double, update: Double) {
    var gradients = FloatBuffer(count: layout.count)
    let parameters = FloatBuffer(freshAdapter: layout, seed: configuration.seed)
    let first = FloatBuffer(count: layout.count)
    let second = FloatBuffer(count: layout.count)
    var sum = ExactSum(count: layout.count, contributions: Self.rounds)
    let optimizer = AdamW(weightDecay: Float(configuration.weightDecay))
    var (adds, writes, updates): ([Double], [Double], [Double]) = ([], [], [])
    for step in 1...Self.rounds {
      var watch = Stopwatch()
      gradients.zero()
      sum.add(gradients.span)
      adds.append(watch.lap())
      sum.reset()
      Self.read(sum, into: &gradients)
      writes.append(watch.lap())
      let norm = GradientClipping.norm(gradients)
      optimizer.update(
        parameters, gradients, firstMoment: first, secondMoment: second,
        gradientScale: GradientClipping.coefficient(
          norm: norm, maximum: configuration.maximumGradientNorm),
        learningRate: 0, step: step)
      updates.append(watch.lap())
    }
    return (adds.median, writes.median, updates.median)
  }

  private static func read(_ sum: borrowing ExactSum, into gradients: inout FloatBuffer) {
    var values = gradients.mutableSpan
    sum.write(scaledBy: 1, into: &values)
  }
}
