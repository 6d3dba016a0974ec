internal import Collective
internal import Foundation
internal import Glibc
internal import Synchronization

/// One mpirun and everything it starts, from its start to its end.
final class JobAttempt: Sendable {
  let job: JobProcesses
  private let process: Mutex<Process>
  private let output = Mutex(Output())
  private static let keptBytes = 64 << 10
  private static let secondsWithoutRanks = 30.0
  /// All ranks are on this host.
  private let isLocal: Bool

  private struct Output {
    var text: [UInt8] = []
    var last = ContinuousClock.now
  }

  /// Starts the command in a process group of its own, so that a terminal's Ctrl-C reaches the supervisor alone.
  init(_ command: MPICommand, adding arguments: [String]) throws {
    job = JobProcesses(job: UUID().uuidString)
    isLocal = command.hostFile == nil
    var words = command.words
    // Exported by name, so that processes on all hosts carry the mark.
    words.insert(contentsOf: ["-x", JobProcesses.variable], at: 1)
    words += arguments
    Launcher.allowRoot()
    var environment = ProcessInfo.processInfo.environment
    environment[JobProcesses.variable] = job.job
    let child = Process()
    child.executableURL = URL(filePath: "/usr/bin/env")
    child.arguments = words
    child.environment = environment
    child.standardInput = FileHandle.nullDevice
    let pipe = Pipe()
    child.standardError = pipe
    process = Mutex(child)
    Console.note("+ " + words.joined(separator: " "))
    pipe.fileHandleForReading.readabilityHandler = { [weak self] handle in
      let data = handle.availableData
      guard !data.isEmpty else { return handle.readabilityHandler = nil }
      self?.take(Array(data))
    }
    try child.run()
  }

  private func take(_ bytes: [UInt8]) {
    Console.pass(bytes)
    output.withLock { output in
      output.text = Array((output.text + bytes).suffix(Self.keptBytes))
      output.last = .now
    }
  }

  /// The end of what the job wrote to standard error.
  var errorOutput: String { output.withLock { String(decoding: $0.text, as: UTF8.self) } }

  /// Waits for the end; a job without a sign of life is ended, and one that is to stop gets the time to.
  ///
  /// - Returns: mpirun's exit code as a shell tells it, and whether this process was asked to stop.
  func watch(run: RunFolder, policy: Supervisor.Policy) -> (code: Int32, isAskedToStop: Bool) {
    var lastRank = ContinuousClock.now
    while isRunning {
      usleep(100_000)
      // mpirun has been seen to stay when its ranks were gone.
      if isLocal, lastRank.secondsToNow > 5 {
        if job.running.contains(where: { $0 != identifier }) {
          lastRank = .now
        } else if lastRank.secondsToNow > Self.secondsWithoutRanks {
          end(policy, "no rank is alive")
        }
      }
      if StopSignal.pending != nil {
        end(policy, "asked to stop")
        return (code, true)
      }
      let silence = lastSign(run).secondsToNow
      if silence > policy.silenceSeconds {
        end(policy, "no sign of life for \(Int(silence)) s")
      }
    }
    return (code, false)
  }

  private var isRunning: Bool { process.withLock { $0.isRunning } }
  private var identifier: Int32 { process.withLock { $0.processIdentifier } }

  private var code: Int32 {
    process.withLock { process in
      process.waitUntilExit()
      return process.terminationReason == .uncaughtSignal
        ? 128 + process.terminationStatus : process.terminationStatus
    }
  }

  /// The last line of output, or the last change of the root's log where it lies on this host.
  private func lastSign(_ run: RunFolder) -> ContinuousClock.Instant {
    let spoken = output.withLock { $0.last }
    guard let logged = run.lastLogChange else { return spoken }
    return max(spoken, ContinuousClock.now - .seconds(max(0, -logged.timeIntervalSinceNow)))
  }

  /// Asks for a stop with a checkpoint, then insists: SIGUSR1, SIGTERM, SIGKILL, with time between them.
  ///
  /// mpirun passes SIGUSR1 on to the ranks. SIGKILL to mpirun takes all ranks down, where its own orders are lost.
  private func end(_ policy: Supervisor.Policy, _ reason: String) {
    Console.note("launch: \(reason); stopping the job")
    for (signal, seconds) in [(SIGUSR1, policy.graceSeconds), (SIGTERM, 10), (SIGKILL, 10)] {
      guard isRunning else { return }
      kill(identifier, signal)
      let deadline = ContinuousClock.now + .seconds(seconds)
      while isRunning, .now < deadline { usleep(50_000) }
    }
  }
}
