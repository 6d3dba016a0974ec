package import Collective

/// The median time of an all-reduce, on the slowest rank.
package struct AllReduceTime: Sendable, Equatable {
  package let bytes: Int
  package let seconds: Double

  package init(bytes: Int, seconds: Double) {
    self.bytes = bytes
    self.seconds = seconds
  }

  /// Bytes that a rank's neighbour gets in a second of a ring: 2 (n - 1) / n x bytes / seconds.
  package func rate(ranks: Int) -> Double {
    2 * Double(ranks - 1) / Double(ranks) * Double(bytes) / max(seconds, 1e-12)
  }
}

/// Measures all-reduces of 64-bit integers, sent as the sum of gradients is.
package enum NetworkProbe {
  /// One element, the end of what goes in a few messages, and sixteen pieces.
  package static let sizes = [8, 64 << 10, 16 << 20]

  /// The median of 5 to 201 repetitions of each size, as many as about `secondsEach` seconds allow.
  ///
  /// Communication: the all-reduces, and a barrier before each.
  package static func measure(
    _ sizes: [Int] = sizes, secondsEach: Double = 1.5, over ranks: Communicator
  ) throws(MPIError) -> [AllReduceTime] {
    guard ranks.worldSize > 1 else { return [] }
    var times: [AllReduceTime] = []
    for bytes in sizes {
      var values = [Int64](repeating: 1, count: bytes / 8)
      // The first ones open connections and touch memory.
      var seconds = 0.0
      for _ in 0..<3 { seconds = try time(&values, ranks) }
      let common = max(try ranks.maximum(seconds), 1e-7)
      let repetitions = min(201, max(5, Int(secondsEach / common))) | 1
      var all: [Double] = []
      for _ in 0..<repetitions { all.append(try time(&values, ranks)) }
      times.append(AllReduceTime(bytes: bytes, seconds: try ranks.maximum(all.median)))
    }
    return times
  }

  private static func time(
    _ values: inout [Int64], _ ranks: Communicator
  ) throws(MPIError) -> Double {
    try ranks.barrier()
    var watch = Stopwatch()
    try ranks.allReduce(&values, operation: .maximum)
    return watch.lap()
  }
}

extension [Double] {
  /// The middle value, the mean of the two middle ones, or 0 of none.
  package var median: Double {
    guard !isEmpty else { return 0 }
    let values = sorted()
    return (values[(count - 1) / 2] + values[count / 2]) / 2
  }
}
