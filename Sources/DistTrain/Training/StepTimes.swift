/// Where the time of optimizer steps went on one rank, in seconds.
package struct StepTimes: Sendable, Equatable {
  /// Forward and backward of the rank's own micro-batches.
  package var compute = 0.0
  /// Emptying the exact sum and adding gradients to it as integers.
  package var exactSum = 0.0
  /// Until the slowest rank was ready for the sum.
  package var wait = 0.0
  /// The all-reduces of the sum and of the losses.
  package var allReduce = 0.0
  /// The sum as floats, norm, clipping and AdamW.
  package var update = 0.0

  package init() {}

  package static func += (left: inout StepTimes, right: StepTimes) {
    left.compute += right.compute
    left.exactSum += right.exactSum
    left.wait += right.wait
    left.allReduce += right.allReduce
    left.update += right.update
  }

  /// Of the whole step.
  package var sum: Double { compute + exactSum + wait + allReduce + update }

  /// The members with the names they have in step_times.jsonl.
  package var named: [(name: String, seconds: Double)] {
    [
      ("compute_seconds", compute), ("exact_sum_seconds", exactSum), ("wait_seconds", wait),
      ("all_reduce_seconds", allReduce), ("update_seconds", update),
    ]
  }
}

/// Measures one stretch of work after the other.
package struct Stopwatch: Sendable {
  private var last = ContinuousClock.now

  package init() {}

  /// Seconds since the last lap, or since the start.
  package mutating func lap() -> Double {
    let seconds = last.secondsToNow
    last = .now
    return seconds
  }
}

extension Duration {
  /// The duration as a number of seconds.
  package var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
