package import Collective
internal import Foundation
package import Model

/// What one optimizer step measured.
package struct StepMetrics: Sendable {
  /// Mean loss of the window, in nats per counted token, or per question.
  package let loss: Double
  /// Norm of the gradient before clipping.
  package let gradientNorm: Double
  package let learningRate: Double
  /// Tokens of the window, over all ranks.
  package let tokens: Int
  /// A signal asks one of the ranks to stop.
  package let isAskedToStop: Bool
  /// Where this rank's time went.
  package let times: StepTimes
}

/// Parameters and moments of a run, and the step that changes them.
///
/// The ranks of one host have them and the sum of the gradients in common.
package struct Trainer<Model: Learner>: ~Copyable {
  package let learner: Model
  private let host: HostRanks
  package let parameters: FloatBuffer
  package let firstMoment: FloatBuffer, secondMoment: FloatBuffer
  private var sum: ExactSum
  private var update: SummedUpdate
  private let schedule: LearningRateSchedule
  private var trial: OverlapTrial
  /// Of each micro-batch of a window, and last whether this rank is asked to stop.
  private var losses: [Double]

  /// Communication: all ranks must call this at the same point.
  package init(
    _ learner: Model, start: consuming FloatBuffer, _ configuration: RunConfiguration,
    totalSteps: Int, over ranks: Communicator
  ) throws {
    let count = learner.parameterCount
    precondition(start.count == count, "the parameters to start from have another layout")
    let host = try HostRanks(of: ranks)
    let parameters = try host.share(start)
    let firstMoment = try host.zeros(count)
    let secondMoment = try host.zeros(count)
    sum = try ExactSum(count: count, contributions: configuration.accumulation, of: host)
    (self.learner, self.host) = (learner, host)
    self.parameters = parameters
    self.firstMoment = firstMoment
    self.secondMoment = secondMoment
    trial = OverlapTrial(configuration.overlap)
    losses = [Double](repeating: 0, count: configuration.accumulation + 1)
    update = SummedUpdate(configuration, count: count, sections: learner.decaySections)
    schedule = LearningRateSchedule(
      shape: configuration.scheduleShape, peak: configuration.learningRate,
      warmupSteps: configuration.warmupSteps(of: totalSteps), totalSteps: totalSteps)
  }

  /// One optimizer step over one gradient accumulation window; every rank ends with the same parameters.
  ///
  /// Communication: the exact sum of the gradients, between hosts perhaps while the last of them are computed; then the
  /// loss of each micro-batch and whether a rank is asked to stop; all once per window. The ranks of a host wait for each
  /// other before the first gradient and after the update.
  ///
  /// - Parameter step: The number of this step, from 1.
  package mutating func step(
    _ window: TrainingWindow<Model>, step: Int, over ranks: Communicator
  ) throws -> StepMetrics {
    var (times, watch) = (StepTimes(), Stopwatch())
    try sum.reset()
    times.exactSum = watch.lap()
    // Within one host the cores that would communicate have better to do.
    if trial.overlaps && host.spansHosts { sum.beginAllReduce(over: ranks, in: window.touched) }
    for index in losses.indices { losses[index] = 0 }
    for (index, pass) in window.passes.enumerated() {
      let adding = Self.forwardBackward(
        pass, learner, parameters, addingTo: &sum, isLast: index == window.passes.count - 1,
        losses: &losses)
      times.compute += watch.lap() - adding
      times.exactSum += adding
      ranks.watchdog?.progress()
    }
    times.wait = try reduceGradients(in: window.touched, over: ranks).inSeconds
    let (loss, isAskedToStop) = try meanLoss(window, step: step, over: ranks)
    times.allReduce = watch.lap() - times.wait
    let rate = schedule.learningRate(ofStep: step)
    let norm = update.update(
      parameters, firstMoment: firstMoment, secondMoment: secondMoment, sum,
      scaledBy: 1 / Double(window.divisor), learningRate: rate, step: step, of: host)
    try host.barrier()
    times.update = watch.lap()
    // The slowest rank's time, so that all come to the same conclusion.
    let seconds = trial.isMeasuring && host.spansHosts ? try ranks.maximum(times.sum) : 0
    trial.record(seconds: seconds, tokens: window.tokens)
    return StepMetrics(
      loss: loss, gradientNorm: norm, learningRate: rate, tokens: window.tokens,
      isAskedToStop: isAskedToStop, times: times)
  }

  /// Forward and backward of the micro-batches of one pass; returns the seconds that the exact sum took of it.
  ///
  /// - Parameter isLast: Of this rank in the window: what comes now is final.
  private static func forwardBackward(
    _ pass: Model.Pass, _ learner: Model, _ parameters: borrowing FloatBuffer,
    addingTo sum: inout ExactSum, isLast: Bool, losses: inout [Double]
  ) -> Double {
    var adding = Duration.zero
    let count = pass.indices.count
    learner.forwardBackward(pass, parameters: parameters, losses: &losses) {
      batch, first, gradient in
      let start = ContinuousClock.now
      sum.add(gradient, at: first)
      if isLast && batch == count - 1 { sum.complete(below: first + gradient.count) }
      adding += start.duration(to: .now)
    }
    sum.complete(vectors: count)
    return adding.inSeconds
  }

  /// The window's mean loss, and whether any rank is asked to stop.
  private mutating func meanLoss(
    _ window: TrainingWindow<Model>, step: Int, over ranks: Communicator
  ) throws -> (loss: Double, isAskedToStop: Bool) {
    losses[losses.count - 1] = StopSignal.pending == nil ? 0 : 1
    try ranks.allReduce(&losses, operation: .sum)
    let loss = losses.prefix(window.count).reduce(0, +) / Double(window.divisor)
    guard loss.isFinite else {
      throw CommandFailure("step \(step): the loss is \(loss); nothing was updated", exitCode: 70)
    }
    return (loss, losses[losses.count - 1] > 0)
  }

  /// Sums over all ranks and returns how long this one waited; a value that cannot be summed is reported with its
  /// tensor's name.
  private mutating func reduceGradients(
    in touched: [Range<Int>], over ranks: Communicator
  ) throws -> Duration {
    do { return try sum.allReduce(over: ranks, in: touched) } catch {
      guard case .unusableValue(_, let index, _, _) = error else { throw error }
      let name = learner.tensorName(at: index) ?? "unknown"
      throw CommandFailure("the gradient of \(name) cannot be summed. \(error)", exitCode: 70)
    }
  }

  /// Overwrites parameters and moments with those of a checkpoint.
  ///
  /// Communication: the ranks of a host wait for the one that does it.
  package func restore(_ arenas: [[Float]]) throws {
    precondition(arenas.count == 3, "parameters and two moments")
    try host.barrier()
    if host.isFirst {
      parameters.copy(from: arenas[0])
      firstMoment.copy(from: arenas[1])
      secondMoment.copy(from: arenas[2])
    }
    try host.barrier()
  }
}

extension HostRanks {
  /// `count` zeros that the ranks of the host have in common.
  func zeros(_ count: Int) throws(MPIError) -> FloatBuffer {
    guard let pages = try reserve(byteCount: FloatBuffer.byteCount(count)) else {
      return FloatBuffer(count: count)
    }
    return FloatBuffer(count: count, file: pages.descriptor, offset: pages.offset)
  }

  /// What the first rank of the host gives, which all of them then have in common.
  func share(_ values: consuming FloatBuffer) throws(MPIError) -> FloatBuffer {
    guard ranks.worldSize > 1 else { return values }
    let common = try zeros(values.count)
    if isFirst { common.copy(from: values) }
    try barrier()
    return common
  }
}
