package import Collective
internal import Foundation
package import Logging
package import Model

/// The processes of one command, their log, and how they fail together.
package struct Job: ~Copyable {
  /// Nil for a part of another job.
  private let environment: MPIEnvironment?
  package let isLaunched: Bool
  package let ranks: Communicator
  package let log: Logger
  /// Whether this rank speaks to the person who started the job.
  private let speaks: Bool
  private let logFile: RankLogFile

  /// Runs `body` as a job of all ranks.
  ///
  /// MPI ends in good order where all ranks come to its end: after success, and after a failure that all of them know
  /// of. Any other error is logged and takes all ranks down.
  ///
  /// - Parameter comparesPrograms: False for a body that does so itself.
  package static func run<Result>(
    comparesPrograms: Bool = true, _ body: (borrowing Job) throws -> Result
  ) throws -> Result {
    let job = try start()
    let outcome = Swift.Result {
      if comparesPrograms { try job.greet() }
      return try body(job)
    }
    Console.endLive()
    switch outcome {
    case .success(let result):
      try job.finish()
      return result
    case .failure(let failure as ReportedFailure):
      try job.finish()
      throw failure
    case .failure(let stop as StopRequested):
      job.note("\(stop)")
      try job.finish()
      throw ReportedFailure(exitCode: CommandFailure.stopped)
    case .failure(let error):
      job.log.error("\(error)")
      throw ReportedFailure(exitCode: CommandFailure.exitCode(of: error))
    }
  }

  private static func start() throws -> Job {
    StopSignal.install()
    let file = RankLogFile()
    let watchdog = Watchdog(seconds: startSeconds) { reason in
      Logger(label: "disttrain") { _ in RankLogHandler(file, speaker: nil) }.error("\(reason)")
    }
    let environment = try MPIEnvironment()
    let ranks = try environment.world()
    let speaker = ranks.worldSize > 1 ? Speaker(rank: ranks.rank, host: ranks.hostName) : nil
    let log = Logger(label: "disttrain") { _ in RankLogHandler(file, speaker: speaker) }
    try ranks.watch(by: watchdog)
    let isLaunched = environment.isLaunched
    return Job(
      environment, isLaunched: isLaunched, ranks: ranks, log: log, logFile: file,
      speaks: ranks.isRoot)
  }

  private init(
    _ environment: consuming MPIEnvironment?, isLaunched: Bool, ranks: Communicator, log: Logger,
    logFile: RankLogFile, speaks: Bool
  ) {
    self.environment = environment
    self.isLaunched = isLaunched
    self.ranks = ranks
    self.log = log
    self.logFile = logFile
    self.speaks = speaks
  }

  /// Throws on all ranks unless they run the same program.
  private func greet() throws {
    guard ranks.worldSize > 1 else { return }
    try together { try ranks.shakeHands(Self.programFields()) }
  }

  /// How long ranks may take to find and compare each other.
  private static let startSeconds = 30.0

  /// What ranks must have alike before they can understand each other.
  static func programFields() throws -> [HandshakeField] {
    [
      HandshakeField(
        "program", try FileDigest.digest(ofFile: "/proc/self/exe"),
        cure: "copy one build of disttrain to all hosts (cluster/bootstrap does)"),
      HandshakeField(
        "mpi", Machine.mpiLibrary, cure: "install the same version of Open MPI on all hosts"),
    ]
  }

  /// Begins a phase that other ranks may have to wait for.
  package func enter(_ phase: Phase, step: Int = 0) { ranks.watchdog?.enter(phase, step: step) }

  /// From here on a job in which no rank gets anything done for `seconds` ends; 0 for never.
  package func setPatience(seconds: Double) { ranks.watchdog?.setLimit(seconds: seconds) }

  /// Waits for all ranks and ends MPI.
  private consuming func finish() throws { try environment?.finalize() }

  /// The ranks that give the same number as a job of their own, which ends and fails by itself.
  ///
  /// Communication: all ranks must call this at the same point.
  package func part(_ number: Int) throws -> Job {
    Job(
      nil, isLaunched: isLaunched, ranks: try ranks.group(number), log: log, logFile: logFile,
      speaks: speaks)
  }

  /// Lets every rank log into its own file in `folder` from here on.
  package func openLogs(in folder: String) throws {
    try together { try logFile.open(folder: folder, rank: ranks.rank) }
    log.info(
      "rank \(ranks.rank) of \(ranks.worldSize) on \(ranks.hostName), process \(getpid())")
  }

  /// Runs `body` on every rank as `together` does, where there is nothing yet to save: a signal that asks any rank to stop
  /// ends all of them here.
  package func load<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
    try together {
      let result = try body()
      ranks.watchdog?.progress()
      guard StopSignal.pending == nil else {
        throw CommandFailure("stopped by a signal while loading", exitCode: CommandFailure.stopped)
      }
      return result
    }
  }

  /// Runs `body` on every rank; if it fails on any, the lowest such rank says why and all ranks throw.
  ///
  /// Communication: the largest exit code, and on failure the lowest failing rank.
  package func together<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
    var result: Result?
    var failure: (any Error)?
    do { result = try body() } catch { failure = error }
    let code = failure.map(CommandFailure.exitCode) ?? 0
    let worst = try ranks.maximum(code)
    guard worst != 0 else {
      if let failure { throw failure }
      guard let result = result.take() else { preconditionFailure("neither a result nor an error") }
      return result
    }
    let speaker = try ranks.minimum(code == 0 ? Int32.max : Int32(ranks.rank))
    if let failure, Int(speaker) == ranks.rank { log.error("\(failure)") }
    throw ReportedFailure(exitCode: worst)
  }

  /// Runs `body` on the root alone; all ranks throw if it fails.
  package func onRoot(_ body: () throws -> Void) throws {
    try together { if ranks.isRoot { try body() } }
  }

  /// Prints progress once, and logs it line by line; `event` is what programs are told instead.
  package func note(_ text: String, event: JSONObject? = nil) {
    guard ranks.isRoot else { return }
    if speaks { Console.note(text, event: event) }
    for line in text.split(separator: "\n") {
      log.info("\(line.trimmingCharacters(in: .whitespaces))")
    }
  }

  /// Prints a result once.
  package func result(_ text: String) {
    if ranks.isRoot, speaks { Console.result(text) }
  }
}
