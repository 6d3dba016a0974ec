import Collective
import Glibc

/// A program for `mpirun`: each rank does the check it is told to and says so in one line.
///
/// The exit code is 0 if all ranks did, 1 for a failed check, 69 for ranks that cannot find each other.
@main
struct Probe {
  /// The checks by name; each gets the words behind its name.
  static let checks: [String: @Sendable (Communicator, [String]) throws -> String] = [
    "position": checkPosition, "reductions": checkReductions, "pieces": checkPieces,
    "broadcast": checkBroadcast, "gather": checkGather, "agreement": checkAgreement,
    "alone": checkAlone, "transport": tellTransport, "abort": abortOnOneRank, "fail": failOnOneRank,
    "truncation": reduceUnequalLengths, "exact-sum": exactSum, "sparse-sum": sparseSum,
    "float-sum": floatSum,
    "handshake": shakeUnequalHands, "frozen": waitForFrozenRank,
    "unusable": sumUnusableValues, "disagreement": sumUnequalVectors, "overfull": sumTooMany,
  ]

  static func main() {
    do {
      let environment = try MPIEnvironment()
      let world = try environment.world()
      let words = Array(CommandLine.arguments.dropFirst())
      guard let check = words.first.flatMap({ checks[$0] }) else {
        throw CheckFailed("there is no check named \(words.first ?? "")")
      }
      let finding = try check(world, Array(words.dropFirst()))
      print("rank \(world.rank) of \(world.worldSize): \(finding)")
      try environment.finalize()
    } catch MPIError.separateWorlds(let variable, let processes) {
      let error = MPIError.separateWorlds(variable: variable, processes: processes)
      end(error, code: 69)
    } catch {
      end(error, code: 1)
    }
  }

  /// Says why on standard error and ends all ranks.
  static func end(_ error: any Error, code: Int32) -> Never {
    let line = Array("\(error)\n".utf8)
    _ = unsafe write(2, line, line.count)
    MPIEnvironment.abort(code: code)
  }
}

/// An expectation that did not hold.
struct CheckFailed: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Throws unless the condition holds.
func expect(_ condition: Bool, _ description: @autoclosure () -> String) throws {
  guard condition else { throw CheckFailed(description()) }
}

/// The word at an index as a number.
func number(_ words: [String], _ index: Int) throws -> Int {
  guard words.indices.contains(index), let number = Int(words[index]) else {
    throw CheckFailed("word \(index) of \(words) is not a number")
  }
  return number
}
