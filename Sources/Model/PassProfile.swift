internal import Glibc

/// Where the time of forward and backward passes goes; measures only once it was enabled.
package final class PassProfile {
  /// Kinds of work, in the order of reports.
  package enum Part: Int, CaseIterable, Sendable {
    /// Products with frozen weights, their rounding or widening among them.
    case products
    /// Products with the adapter, and its dropout.
    case lowRank
    case attention
    /// Norms, rotation, gated activation, additions and the embedding.
    case elementWise
    /// The head with its loss.
    case crossEntropy
  }

  private var isEnabled = false
  private var last: UInt64 = 0
  private var nanoseconds = [UInt64](repeating: 0, count: Part.allCases.count)

  package init() {}

  /// Begins to measure, from zero.
  package func enable() {
    isEnabled = true
    for part in Part.allCases { nanoseconds[part.rawValue] = 0 }
  }

  /// Leaves out what has passed since the last lap.
  package func begin() { if isEnabled { last = Self.now } }

  /// Counts the time since the last lap as `part`'s.
  package func lap(_ part: Part) {
    guard isEnabled else { return }
    let now = Self.now
    nanoseconds[part.rawValue] += now - last
    last = now
  }

  /// Seconds of `part` since measuring began.
  package func seconds(_ part: Part) -> Double { Double(nanoseconds[part.rawValue]) * 1e-9 }

  private static var now: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
