internal import Collective
internal import Foundation

/// How far the clocks of the hosts are apart.
package enum ClockCheck {
  private static let rounds = 9
  /// Beyond this, logs of several hosts cannot be read side by side, and shared files seem to come from the future.
  private static let limit = 1.0

  /// Seconds by which each host's clock is ahead of the root's: the median of nine readings right behind a barrier.
  ///
  /// Communication: nine barriers and one gather to all.
  static func offsets(over ranks: Communicator) throws -> [Double] {
    var readings: [Double] = []
    for _ in 0..<rounds {
      try ranks.barrier()
      readings.append(Date().timeIntervalSince1970)
    }
    let text = readings.map { String($0.bitPattern) }.joined(separator: ",")
    let all = try ranks.allGather(Array(text.utf8)).map { bytes in
      String(decoding: bytes, as: UTF8.self).split(separator: ",")
        .compactMap { UInt64($0).map(Double.init(bitPattern:)) }
    }
    return all.map { mine in zip(mine, all[0]).map { $0 - $1 }.median }
  }

  package static func finding(_ offsets: [Double], hosts: [String]) -> Finding {
    let ahead = offsets.max() ?? 0
    let behind = offsets.min() ?? 0
    let detail = "within \(Console.fixed(1000 * (ahead - behind), 1)) ms of each other"
    guard ahead - behind > limit else { return .fine("clocks", detail) }
    let worst = offsets.indices.max { abs(offsets[$0]) < abs(offsets[$1]) } ?? 0
    let host = hosts.indices.contains(worst) ? hosts[worst] : "a host"
    return .warning(
      "clocks", "\(Console.fixed(ahead - behind, 1)) s apart, \(host) most",
      fix: "run chrony or systemd-timesyncd on all hosts; logs and file times mislead until then")
  }
}
