/// How long an all-reduce takes.
///
/// T(bytes) = 2 (n - 1) / n x bytes x (1 / network + 1 / local) + pieces x 2 (n - 1) x latency, the time of a ring of n ranks
/// that are numbered host by host; a host alone has no network term. A message of few bytes takes ceil(log2 n) x latency.
package struct AllReduceModel: Sendable, Equatable {
  /// What arrives of a host's link, one direction; what copying and adding leave of a host's memory.
  package let networkBytesPerSecond: Double, localBytesPerSecond: Double
  /// Seconds of one message.
  package let latency: Double
  /// Bytes of one MPI call.
  package let pieceBytes: Int

  /// What Ethernet, IP and TCP leave of a link's nominal rate with frames of 1538 bytes.
  package static let tcpShare = 1448.0 / 1538
  /// Copying and adding 64-bit integers, where nothing was measured.
  package static let assumedLocalRate = 2e9
  /// One TCP message through a kernel and a switch, where nothing was measured.
  package static let assumedLatency = 50e-6

  package init(
    networkBytesPerSecond: Double, localBytesPerSecond: Double, latency: Double, pieceBytes: Int
  ) {
    self.networkBytesPerSecond = networkBytesPerSecond
    self.localBytesPerSecond = localBytesPerSecond
    self.latency = latency
    self.pieceBytes = pieceBytes
  }

  /// A link of a nominal rate.
  package init(gigabits: Double, latency: Double, localBytesPerSecond: Double, pieceBytes: Int) {
    self.init(
      networkBytesPerSecond: gigabits * 1e9 / 8 * Self.tcpShare,
      localBytesPerSecond: localBytesPerSecond, latency: latency, pieceBytes: pieceBytes)
  }

  /// The figures that give the measured times: the latency from the smallest message, the rate from the largest.
  ///
  /// Between hosts the rate found contains the work of the hosts' memory, so that has no term of its own.
  package init(_ times: [AllReduceTime], ranks: Int, hosts: Int, pieceBytes: Int) {
    let smallest = times.min { $0.bytes < $1.bytes }?.seconds ?? 0
    let largest = times.max { $0.bytes < $1.bytes } ?? AllReduceTime(bytes: 0, seconds: 0)
    let latency = smallest / Self.rounds(ranks)
    let pieces = Double((largest.bytes + pieceBytes - 1) / pieceBytes)
    let waiting = pieces * 2 * Double(ranks - 1) * latency
    // On a busy host small messages wait for the processor more often than large ones.
    let moving = max(largest.seconds - waiting, largest.seconds / 2)
    let rate = 2 * Double(ranks - 1) / Double(ranks) * Double(largest.bytes) / max(moving, 1e-12)
    self.init(
      networkBytesPerSecond: hosts > 1 ? rate : .infinity,
      localBytesPerSecond: hosts > 1 ? .infinity : rate, latency: latency, pieceBytes: pieceBytes)
  }

  /// Rounds of a message of few bytes: ceil(log2 n).
  private static func rounds(_ ranks: Int) -> Double {
    Double(Int.bitWidth - max(1, ranks - 1).leadingZeroBitCount)
  }

  package func seconds(bytes: Int, ranks: Int, hosts: Int) -> Double {
    guard ranks > 1 else { return 0 }
    let share = 2 * Double(ranks - 1) / Double(ranks) * Double(bytes)
    let pieces = Double((bytes + pieceBytes - 1) / pieceBytes)
    let link = hosts > 1 ? share / networkBytesPerSecond : 0
    return link + share / localBytesPerSecond + pieces * 2 * Double(ranks - 1) * latency
  }

  /// Seconds of a message of few bytes.
  package func smallSeconds(ranks: Int) -> Double {
    ranks > 1 ? Self.rounds(ranks) * latency : 0
  }
}
