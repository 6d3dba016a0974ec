package import Collective
internal import Foundation

/// The processes of one command, and how they fail together.
package struct Job: ~Copyable {
  private let environment: MPIEnvironment
  package let ranks: Communicator

  /// Runs `body` as a job of all ranks.
  ///
  /// MPI ends in good order where all ranks come to its end: after success, and after a failure that all of them know
  /// of. Any other error leaves at once, which takes the waiting ranks down.
  package static func run<Result>(_ body: (borrowing Job) throws -> Result) throws -> Result {
    let job = try Job()
    let outcome = Swift.Result { try body(job) }
    if case .failure(let error) = outcome, !(error is AgreedFailure) { throw error }
    try job.finish()
    return try outcome.get()
  }

  private init() throws {
    let environment = try MPIEnvironment()
    let ranks = try environment.world()
    self.environment = environment
    self.ranks = ranks
  }

  /// Waits for all ranks and ends MPI.
  private consuming func finish() throws { try environment.finalize() }

  package var isLaunched: Bool { environment.isLaunched }

  /// Runs `body` on every rank; if it fails on any, the lowest such rank says why and all ranks throw.
  ///
  /// Communication: the largest exit code, and on failure the lowest failing rank.
  package func together<Result>(_ body: () throws -> Result) throws -> Result {
    let outcome: Swift.Result<Result, any Error> = Swift.Result { try body() }
    var code: Int32 = 0
    if case .failure(let error) = outcome { code = CommandFailure.exitCode(of: error) }
    let worst = try ranks.maximum(code)
    guard worst != 0 else { return try outcome.get() }
    let speaker = try ranks.minimum(code == 0 ? Int32.max : Int32(ranks.rank))
    if case .failure(let error) = outcome, Int(speaker) == ranks.rank {
      let place = ranks.worldSize > 1 ? " [rank \(ranks.rank) \(ranks.hostName)]" : ""
      Console.note("error:\(place) \(error)")
      throw AgreedFailure(exitCode: code)
    }
    throw AgreedFailure(exitCode: worst)
  }

  /// Runs `body` on the root alone; all ranks throw if it fails.
  package func onRoot(_ body: () throws -> Void) throws {
    try together { if ranks.isRoot { try body() } }
  }

  /// Prints a line once.
  package func note(_ text: String) { if ranks.isRoot { Console.note(text) } }
}
