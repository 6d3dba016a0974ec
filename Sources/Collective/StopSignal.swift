internal import Glibc
internal import Synchronization

/// A request to stop in good order: SIGTERM, SIGINT or SIGUSR1 to this rank.
///
/// The handler only remembers it; the program asks at points where all ranks can stop together. mpirun forwards SIGUSR1
/// to every rank, and turns SIGINT and SIGTERM into a SIGTERM that SIGKILL soon follows.
package enum StopSignal {
  private static let received = Atomic<Int32>(0)
  private static let interrupts = Atomic<Int32>(0)

  /// Takes the three signals from here on; the second SIGINT of a terminal ends the process with code 130.
  package static func install() {
    // The first use initializes the atomics, which a handler must not do.
    received.store(0, ordering: .relaxed)
    interrupts.store(0, ordering: .relaxed)
    // A program that blocks signals passes that on to what it starts.
    var signals = sigset_t()
    _ = unsafe sigemptyset(&signals)
    for number in [SIGTERM, SIGINT, SIGUSR1] {
      _ = unsafe sigaddset(&signals, number)
      var action = sigaction()
      unsafe action.__sigaction_handler.sa_handler = { StopSignal.handle($0) }
      action.sa_flags = Int32(SA_RESTART)
      _ = unsafe sigaction(number, &action, nil)
    }
    _ = unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// The signal that asks this rank to stop, or nil.
  package static var pending: Int32? {
    let number = received.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }

  private static func handle(_ number: Int32) {
    received.store(number, ordering: .relaxed)
    guard number == SIGINT else { return }
    if interrupts.add(1, ordering: .relaxed).oldValue > 0 { _exit(130) }
  }
}
