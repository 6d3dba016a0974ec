internal import Model

/// What the measured all-reduces say.
package enum NetworkCheck {
  /// Below this, summing an adapter takes seconds per million parameters: 100 Mbit/s are 12 MB/s.
  private static let slowBytesPerSecond = 10e6

  package static func findings(
    _ times: [AllReduceTime], ranks: Int, hosts: Int
  ) -> [Finding] {
    guard ranks > 1 else {
      return [.fine("all-reduce", "one rank: nothing to measure; start more with -n")]
    }
    return times.map { time in
      let rate = time.rate(ranks: ranks)
      let speed = time.bytes < 1024 ? "" : ", \(Console.fixed(rate / 1e6, 0)) MB/s"
      let detail = "\(size(time.bytes)): \(duration(time.seconds))\(speed)"
      guard time.bytes >= 1 << 20, rate < slowBytesPerSecond else {
        return .fine("all-reduce", detail)
      }
      return .warning(
        "all-reduce", detail,
        fix: hosts > 1
          ? "is this the right network? name the fast one: --network 10.0.0.0/24"
          : "other programs keep this host busy; look at top")
    }
  }

  private static func size(_ bytes: Int) -> String {
    switch bytes {
    case ..<1024: "\(bytes) B"
    case ..<(1 << 20): "\(bytes >> 10) KiB"
    default: "\(bytes >> 20) MiB"
    }
  }

  private static func duration(_ seconds: Double) -> String {
    switch seconds {
    case ..<1e-3: "\(Console.fixed(1e6 * seconds, 1)) us"
    case ..<1: "\(Console.fixed(1e3 * seconds, 2)) ms"
    default: "\(Console.fixed(seconds, 2)) s"
    }
  }
}
