internal import Glibc
internal import Synchronization

/// Ends this rank where no rank gets anything done for longer than the phase allows, and says who is missing.
///
/// Open MPI 4.1 never notices a stopped process or a host that vanished. A thread of each rank, which makes no MPI call,
/// looks at what this rank has done and, through `Heartbeats`, at what the others have. As long as any of them makes
/// progress, all wait. The process leaves by `_exit`, on which mpirun takes the others down, because an MPI call would
/// wait for the very ranks that do not answer.
@safe
package final class Watchdog: Sendable {
  /// The exit code of a job that was ended for want of progress: try again from the last checkpoint.
  package static let exitCode: Int32 = 75
  private static let interval: UInt32 = 200_000

  private let whereabouts = Atomic<UInt64>(Whereabouts().word)
  private let limit: Atomic<UInt64>
  /// There is nobody to wait for, and so no limit.
  private let isAlone = Atomic(false)
  private let connection = Mutex<Heartbeats?>(nil)
  private let report: @Sendable (String) -> Void

  /// Starts watching where a launcher started this process; `seconds` is the base limit, 0 for none.
  ///
  /// Before MPI is initialized, because ranks that cannot reach each other may never come out of that.
  ///
  /// - Parameter report: Gets the reason right before the process ends.
  package init(seconds: Double, report: @escaping @Sendable (String) -> Void) {
    limit = Atomic(seconds.bitPattern)
    self.report = report
    guard LaunchEnvironment.current.isLaunched else { return }
    var thread = pthread_t()
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    _ = unsafe pthread_create(&thread, nil, { unsafe Watchdog.run($0) }, context)
    pthread_detach(thread)
  }

  /// Lets this rank hear of the others and them of it.
  ///
  /// Communication: the ranks exchange the addresses of their heartbeats.
  func connect(_ communicator: Communicator) throws(MPIError) {
    guard communicator.worldSize > 1 else { return isAlone.store(true, ordering: .relaxed) }
    let heartbeats = try Heartbeats(communicator)
    connection.withLock { $0 = heartbeats }
  }

  /// Sets the base limit, in seconds without progress of any rank; 0 for none.
  package func setLimit(seconds: Double) { limit.store(seconds.bitPattern, ordering: .relaxed) }

  // MARK: What the rank says

  /// The rank begins another phase.
  package func enter(_ phase: Phase, step: Int = 0) {
    change { where_ in
      where_.phase = phase
      where_.step = step
    }
  }

  /// The rank has got something done.
  package func progress() { change { _ in } }

  /// The rank goes into an MPI call, or comes back from it.
  func communicates(_ isInside: Bool) { change { $0.isCommunicating = isInside } }

  // Only the rank's main thread writes, so reading and writing need not be one operation.
  private func change(_ body: (inout Whereabouts) -> Void) {
    var current = Whereabouts(word: whereabouts.load(ordering: .relaxed))
    body(&current)
    current.progress &+= 1
    whereabouts.store(current.word, ordering: .relaxed)
  }

  // MARK: The thread

  private static func run(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    unsafe Unmanaged<Watchdog>.fromOpaque(context).takeRetainedValue().watch()
    return nil
  }

  private func watch() {
    var sightings = Sightings(rank: 0, count: 1)
    var last = ContinuousClock.now
    while true {
      usleep(Self.interval)
      let heartbeats = connection.withLock { $0 }
      let (rank, count) = (heartbeats?.rank ?? 0, heartbeats?.count ?? 1)
      // A process that was stopped for a while itself has no right to complain of what it did not see.
      if last.duration(to: .now) > .seconds(2) || sightings.ranks.count != count {
        sightings = Sightings(rank: rank, count: count)
      }
      last = .now
      let mine = whereabouts.load(ordering: .relaxed)
      sightings.see(rank, word: mine, at: .now)
      heartbeats?.exchange(mine, &sightings)
      guard let reason = reasonToEnd(sightings, heartbeats) else { continue }
      report(reason)
      _exit(Self.exitCode)
    }
  }

  private func reasonToEnd(_ sightings: Sightings, _ heartbeats: Heartbeats?) -> String? {
    // mpirun sends SIGTERM to the ranks that are left when another has died: nobody comes to their step's end.
    if heartbeats != nil, StopSignal.pending != nil, sightings.isBeyondStopping(at: .now) {
      return "asked to stop while other ranks are gone; ending without another checkpoint"
    }
    let base = Double(bitPattern: limit.load(ordering: .relaxed))
    guard base > 0, !isAlone.load(ordering: .relaxed) else { return nil }
    guard let heartbeats else {
      return sightings.hasBeenSilent(forSeconds: base, at: .now)
        ? "the ranks did not find each other within \(Int(base)) s: look at the network between the hosts,"
          + " and name it with --network or btl_tcp_if_include" : nil
    }
    return sightings.reasonToEnd(baseLimit: base, hosts: heartbeats.hosts, at: .now)
  }
}
