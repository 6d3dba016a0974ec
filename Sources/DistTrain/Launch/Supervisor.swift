internal import Checkpoints
internal import Collective
internal import Foundation
internal import Glibc

/// Starts mpirun, watches it, and starts it again from the last checkpoint until the job is done or cannot go on.
///
/// It makes no MPI call. Its limit for a job without a sign of life is longer than the watchdog of the ranks, which is
/// longer than the keepalive of mpirun's daemons, so that the one who knows most about a fault speaks first.
struct Supervisor {
  struct Policy {
    /// Attempts in a row that come to no newer checkpoint.
    var attemptsWithoutProgress = 3
    /// Seconds without a line of output or log, after which the job is ended.
    var silenceSeconds = 900.0
    /// Seconds a job may take to stop in good order.
    var graceSeconds = 60.0
  }
  let policy: Policy
  let run: RunFolder
  /// The shell for other hosts, as mpirun's plm_rsh_agent; empty for a job of one host.
  let remoteShell: [String]
  private(set) var command: MPICommand
  private let hosts: HostFile?

  init(_ command: MPICommand, run: RunFolder, policy: Policy, remoteShell: [String]) throws {
    self.command = command
    self.run = run
    self.policy = policy
    self.remoteShell = remoteShell
    hosts = try command.hostFile.map { try HostFile(path: $0) }
  }

  /// Runs the job to its end and returns the exit code for the shell.
  mutating func supervise() throws -> Int32 {
    var attemptsWithoutProgress = 0
    var step = newestStep
    var resumes: [String] = []
    while true {
      let attempt = try JobAttempt(command, adding: resumes)
      let (code, isAskedToStop) = attempt.watch(run: run, policy: policy)
      let left = endProcesses(of: attempt.job)
      if left > 0 { Console.note("launch: ended \(left) processes that were left over") }
      if isAskedToStop { return CommandFailure.stopped }
      switch ExitClassification(code: code, errorOutput: attempt.errorOutput) {
      case .done: return 0
      case .giveUp(let reason):
        Console.note("launch: exit code \(code): \(reason); another attempt would end the same way")
        return code
      case .retry(let reason):
        attemptsWithoutProgress = newestStep > step ? 0 : attemptsWithoutProgress + 1
        step = newestStep
        Console.note(
          "launch: exit code \(code): \(reason); the newest checkpoint is of step \(step)")
      }
      guard attemptsWithoutProgress < policy.attemptsWithoutProgress else {
        Console.note(
          "launch: \(attemptsWithoutProgress) attempts came no further than step \(step); giving up."
            + " Look into \(run.path)/logs")
        return code
      }
      try dropDeadHosts()
      resumes = ["resume_from_checkpoint=auto"]
    }
  }

  /// The step of the newest file that looks like a checkpoint; 0 where there is none or the folder is another host's.
  private var newestStep: Int { run.checkpoints.newestStep ?? 0 }

  /// Ends what is left of a job on this host and all others; returns how many processes there were here.
  private func endProcesses(of job: JobProcesses) -> Int {
    for host in hosts?.hosts ?? [] where !isThisHost(host.name) {
      _ = RemoteShell(remoteShell).run(job.remoteCommand, on: host.name, seconds: 15)
    }
    return job.end()
  }

  /// Goes on with the hosts that answer, with as many ranks as they take: the result does not depend on their number.
  private mutating func dropDeadHosts() throws {
    guard let hosts, hosts.hosts.count > 1 else { return }
    let alive = hosts.hosts.filter { host in
      isThisHost(host.name)
        || RemoteShell(remoteShell).run("true", on: host.name, seconds: 15) == 0
    }
    let dead = hosts.hosts.filter { !alive.contains($0) }.map(\.name)
    guard !dead.isEmpty else { return }
    let rest = HostFile(hosts: alive)
    guard let slots = rest.totalSlots ?? (alive.isEmpty ? nil : alive.count), slots > 0 else {
      throw CommandFailure(
        "none of the hosts answers: \(dead.joined(separator: ", "))", exitCode: 69)
    }
    let path = run.path + "/hosts"
    try run.write(rest.text, to: "hosts")
    Console.note(
      "launch: no answer from \(dead.joined(separator: ", ")); going on with \(slots) ranks on"
        + " \(alive.map(\.name).joined(separator: ", "))")
    command.hostFile = path
    command.ranks = min(command.ranks, slots)
  }

  private func isThisHost(_ name: String) -> Bool {
    name == "localhost" || name == ProcessInfo.processInfo.hostName || name == hostName
  }

  private var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    _ = unsafe gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
