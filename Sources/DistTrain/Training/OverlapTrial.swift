/// Whether gradients are summed between hosts while the last of them are still computed, where that is to be found out.
///
/// It gains the time of the network and costs that of a thread on the same core, so it depends on both. After one step to
/// warm up two go without it and two with it; the faster way per token is kept. The result is the same either way.
package struct OverlapTrial: Sendable, Equatable {
  package enum Choice: String, Sendable { case auto, always, never }

  private let choice: Choice
  private var steps = 0
  /// Seconds per token of the steps without and with it.
  private var without = 0.0, with = 0.0
  private static let warmup = 1, each = 2

  package init(_ choice: Choice) { self.choice = choice }

  /// Steps whose time `record` wants to know, which then has to be the same on all ranks.
  package var isMeasuring: Bool {
    choice == .auto && (Self.warmup..<Self.warmup + 2 * Self.each).contains(steps)
  }

  /// Whether the next step goes with it.
  package var overlaps: Bool {
    switch choice {
    case .always: true
    case .never: false
    case .auto where steps < Self.warmup + Self.each: false
    case .auto where isMeasuring: true
    case .auto: with < without
    }
  }

  /// Counts a step.
  package mutating func record(seconds: Double, tokens: Int) {
    if isMeasuring {
      let perToken = seconds / Double(max(1, tokens))
      if overlaps { with += perToken } else { without += perToken }
    }
    steps += 1
  }
}
