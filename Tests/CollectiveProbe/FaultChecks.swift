import Collective
import Glibc

/// A process without a launcher: nothing of MPI is initialized, and every method answers at once.
func checkAlone(_ world: Communicator, _ words: [String]) throws -> String {
  try expect(!MPIEnvironment.isActive, "MPI is initialized in a world of one")
  for check in [
    checkPosition, checkReductions, checkPieces, checkBroadcast, checkGather, checkAgreement,
  ] { _ = try check(world, []) }
  try expect(!MPIEnvironment.isActive, "a method has initialized MPI in a world of one")
  return "alone"
}

/// `abort RANK CODE`: that rank ends the job while the others wait for it.
func abortOnOneRank(_ world: Communicator, _ words: [String]) throws -> String {
  if try world.rank == number(words, 0) { world.abort(code: Int32(try number(words, 1))) }
  try world.barrier()
  return "still there"
}

/// `fail RANK`: that rank throws while the others wait for it.
func failOnOneRank(_ world: Communicator, _ words: [String]) throws -> String {
  if try world.rank == number(words, 0) { throw CheckFailed("failed on purpose") }
  try world.barrier()
  return "still there"
}

/// Ranks that disagree on a length, which MPI itself reports on some of them only.
func reduceUnequalLengths(_ world: Communicator, _ words: [String]) throws -> String {
  var values = [Float](repeating: 1, count: world.isRoot ? 1_000 : 999)
  try world.allReduce(&values, operation: .sum)
  try world.barrier()
  return "no error"
}

/// `handshake RANK`: that rank has another model; all must say so in the same words, and none may differ where all agree.
func shakeUnequalHands(_ world: Communicator, _ words: [String]) throws -> String {
  let odd = try number(words, 0)
  func fields(_ model: String) -> [HandshakeField] {
    [
      HandshakeField("program", "one", cure: "build it again"),
      HandshakeField("model", model, cure: "copy it"),
    ]
  }
  try world.shakeHands(fields("new"))
  let table = try tableOfMismatch(fields(world.rank == odd ? "old" : "new"), world)
  try expect(try world.agrees(on: Array(table.utf8)), "the tables differ")
  try expect(table.contains("old") && table.contains("copy it"), "the table says: \(table)")
  return "refused"
}

/// What a handshake that must fail says.
func tableOfMismatch(_ fields: [HandshakeField], _ world: Communicator) throws -> String {
  do throws(HandshakeError) { try world.shakeHands(fields) } catch {
    guard case .mismatch(let table) = error else { throw error }
    return table
  }
  throw CheckFailed("a handshake of unequal ranks went through")
}

/// `frozen RANK SECONDS`: that rank stops itself; the others' watchdogs must end the job.
func waitForFrozenRank(_ world: Communicator, _ words: [String]) throws -> String {
  let watchdog = try Watchdog(seconds: Double(number(words, 1))) { reason in
    let line = Array("\(reason)\n".utf8)
    _ = unsafe write(2, line, line.count)
  }
  try world.watch(by: watchdog)
  try world.barrier()
  world.watchdog?.enter(.step, step: 3)
  if try world.rank == number(words, 0) { raise(SIGSTOP) }
  try world.barrier()
  return "still there"
}
