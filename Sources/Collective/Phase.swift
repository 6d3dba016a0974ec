/// What a rank is doing, as its watchdog and its heartbeats tell it.
package enum Phase: UInt8, CaseIterable, Sendable {
  case start, load, step, evaluation, checkpoint, finish

  /// How many times the base limit a phase may go without progress: reading weights and writing files depend on disks.
  package var patience: Double {
    switch self {
    case .start, .step, .evaluation: 1
    case .checkpoint, .finish: 2
    case .load: 4
    }
  }
}

/// Where a rank is, in one word that a thread can read while another writes it.
package struct Whereabouts: Equatable, Sendable {
  package var phase = Phase.start
  /// True while the rank is inside an MPI call, which may mean that it waits for others.
  package var isCommunicating = false
  /// The optimizer step in progress.
  package var step = 0
  /// Counts everything that a rank gets done.
  package var progress: UInt32 = 0

  package init() {}

  /// 4 bits of phase, 1 of communication, 27 of step, 32 of progress.
  package var word: UInt64 {
    UInt64(phase.rawValue) << 60 | (isCommunicating ? 1 : 0) << 59
      | UInt64(step & 0x7ff_ffff) << 32 | UInt64(progress)
  }

  package init(word: UInt64) {
    phase = Phase(rawValue: UInt8(word >> 60)) ?? .start
    isCommunicating = word >> 59 & 1 == 1
    step = Int(word >> 32 & 0x7ff_ffff)
    progress = UInt32(truncatingIfNeeded: word)
  }

  /// "all-reduce of step 12", "loading", ...
  package var text: String {
    let place = phase == .step ? "step \(step)" : "\(phase)"
    return isCommunicating ? "waiting for others in \(place)" : "working on \(place)"
  }
}
