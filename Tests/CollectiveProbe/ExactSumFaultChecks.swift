import Collective

/// `unusable [VALUE RANK INDEX] ...`: ranks put such values into their second vector; all must throw.
func sumUnusableValues(_ world: Communicator, _ words: [String]) throws -> String {
  var sum = ExactSum(count: 1_000, contributions: 4 * world.worldSize)
  for vector in 0..<3 {
    var values = [Float](repeating: 1, count: 1_000)
    for start in stride(from: 0, to: words.count, by: 3) where vector == 1 {
      guard let value = Float(words[start]) else { throw CheckFailed("not a number") }
      if try world.rank == number(words, start + 1) {
        values[try number(words, start + 2)] = value
      }
    }
    sum.add(values.span)
  }
  let message = try errorOfReduction(&sum, world)
  try sum.reset()
  sum.add([Float](repeating: 1, count: 1_000).span)
  try sum.allReduce(over: world)
  return message
}

/// `disagreement count|contributions`: the last rank sums something else than the others.
func sumUnequalVectors(_ world: Communicator, _ words: [String]) throws -> String {
  let isOdd = world.rank == world.worldSize - 1
  var sum = ExactSum(
    count: isOdd && words.first == "count" ? 9 : 10,
    contributions: isOdd && words.first == "contributions" ? 9 : 10)
  return try errorOfReduction(&sum, world)
}

/// One vector on each rank and one more on the last, in a sum that has no place for it.
func sumTooMany(_ world: Communicator, _ words: [String]) throws -> String {
  var sum = ExactSum(count: 3, contributions: world.worldSize)
  for _ in 0..<(world.rank == world.worldSize - 1 ? 2 : 1) { sum.add([1, 2, 3].span) }
  return try errorOfReduction(&sum, world)
}

/// What the reduction says where it must fail; afterwards the ranks still communicate.
func errorOfReduction(_ sum: inout ExactSum, _ world: Communicator) throws -> String {
  do throws(ExactSumError) {
    try sum.allReduce(over: world)
  } catch {
    try expect(
      try world.agrees(on: Array(error.description.utf8)), "the ranks throw different errors")
    return error.description
  }
  throw CheckFailed("the reduction did not fail")
}
