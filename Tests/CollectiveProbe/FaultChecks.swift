import Collective

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
