import Collective
import Glibc

/// The rank's place in the world and on its host; all ranks are on one host here.
func checkPosition(_ world: Communicator, _ words: [String]) throws -> String {
  let ranks = try world.allGather([UInt8(world.rank)])
  try expect(ranks == (0..<world.worldSize).map { [UInt8($0)] }, "the ranks are \(ranks)")
  try expect(world.isRoot == (world.rank == 0), "rank \(world.rank) has isRoot \(world.isRoot)")
  try expect(world.localRank == world.rank, "the local rank is \(world.localRank)")
  try expect(world.localSize == world.worldSize, "the local size is \(world.localSize)")
  try expect(try world.agrees(on: Array(world.hostName.utf8)), "the hosts have different names")
  try expect(!world.hostName.isEmpty, "the host has no name")
  try world.barrier()
  return "position"
}

/// What Open MPI was told to use.
func tellTransport(_ world: Communicator, _ words: [String]) -> String {
  unsafe getenv("OMPI_MCA_pml").map { unsafe String(cString: $0) } ?? "any"
}

/// Every operation on every type.
func checkReductions(_ world: Communicator, _ words: [String]) throws -> String {
  try checkReductions(of: Float.self, offset: 15, world)
  try checkReductions(of: Double.self, offset: 15, world)
  try checkReductions(of: Int32.self, offset: 15, world)
  try checkReductions(of: Int64.self, offset: 15, world)
  try checkReductions(of: UInt64.self, offset: 0, world)
  return "reductions"
}

/// Vectors of several lengths against a loop over all ranks' values, which every rank knows.
func checkReductions<Scalar: MPIScalar>(
  of type: Scalar.Type, offset: Int, _ world: Communicator
) throws {
  func value(_ index: Int, _ rank: Int) -> Scalar {
    Scalar(exactly: (index * 7 + rank * 13) % 31 - offset) ?? 0
  }
  for count in [0, 1, 2, 1_000, 40_001] {
    for operation in ReductionOperation.allCases {
      var values = (0..<count).map { value($0, world.rank) }
      try world.allReduce(&values, operation: operation)
      let expected = (0..<count).map { index in
        (1..<world.worldSize).reduce(value(index, 0)) {
          combine($0, value(index, $1), operation)
        }
      }
      try expect(values == expected, "\(operation) of \(count) \(type) is wrong")
    }
  }
  let all = (0..<world.worldSize).map { value(5, $0) }
  let mine = all[world.rank]
  try expect(try world.sum(mine) == all.reduce(0, +), "the sum of one \(type) is wrong")
  try expect(try world.minimum(mine) == all.min(), "the minimum of one \(type) is wrong")
  try expect(try world.maximum(mine) == all.max(), "the maximum of one \(type) is wrong")
}

/// What an operation does to two values.
func combine<Scalar: MPIScalar>(
  _ left: Scalar, _ right: Scalar, _ operation: ReductionOperation
) -> Scalar {
  switch operation {
  case .sum: left + right
  case .minimum: min(left, right)
  case .maximum: max(left, right)
  }
}

/// Vectors longer than a piece: one element more, a multiple, and a remainder.
func checkPieces(_ world: Communicator, _ words: [String]) throws -> String {
  for limit in [1, 7, 100, 999, 1_000, 1_001] {
    world.pieceLimit = limit
    var values = (0..<1_000).map { Int64($0 * (world.rank + 1)) }
    try world.allReduce(&values, operation: .sum)
    let factor = world.worldSize * (world.worldSize + 1) / 2
    try expect(values == (0..<1_000).map { Int64($0 * factor) }, "the sum in \(limit)s is wrong")
    let bytes = (0..<1_000).map { UInt8($0 % 251) }
    let received = try world.broadcast(world.isRoot ? bytes : nil)
    try expect(received == bytes, "the broadcast in \(limit)s is wrong")
  }
  return "pieces"
}

/// Messages of several lengths, none among them.
func checkBroadcast(_ world: Communicator, _ words: [String]) throws -> String {
  for count in [0, 1, 1_000, 100_003] {
    let bytes = (0..<count).map { UInt8($0 * 31 % 256) }
    let received = try world.broadcast(world.isRoot ? bytes : nil)
    try expect(received == bytes, "a broadcast of \(count) bytes came out differently")
  }
  return "broadcast"
}

/// A message of another length from each rank, none from one of them, none from all.
func checkGather(_ world: Communicator, _ words: [String]) throws -> String {
  func message(_ rank: Int, _ unit: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(rank + 1), count: rank * unit)
  }
  for unit in [0, 1, 1_000] {
    let expected = (0..<world.worldSize).map { message($0, unit) }
    let gathered = try world.gather(message(world.rank, unit))
    try expect(gathered == (world.isRoot ? expected : nil), "gather gave \(gathered ?? [])")
    let everywhere = try world.allGather(message(world.rank, unit))
    try expect(everywhere == expected, "allGather gave \(everywhere)")
  }
  return "gather"
}

/// Equal digests, one other bit, one other length, and no bytes at all.
func checkAgreement(_ world: Communicator, _ words: [String]) throws -> String {
  let isOdd = world.rank == world.worldSize - 1 && world.worldSize > 1
  let isAlone = world.worldSize == 1
  for count in [0, 1, 8, 32, 1_001] {
    let digest = (0..<count).map { UInt8($0 * 37 % 256) }
    try expect(try world.agrees(on: digest), "equal digests of \(count) bytes disagree")
    let longer = isOdd ? digest + [0] : digest
    try expect(try world.agrees(on: longer) == isAlone, "a longer digest agrees")
    for bit in 0..<8 where count > 0 {
      var other = digest
      if isOdd { other[count - 1] ^= 1 << bit }
      try expect(try world.agrees(on: other) == isAlone, "another bit agrees")
    }
  }
  try expect(try world.any(world.rank == 0) && world.all(true), "a true condition is false")
  try expect(try world.all(world.rank == 0) == isAlone, "a condition of one rank holds on all")
  try expect(try !world.any(false), "a condition of no rank holds")
  return "agreement"
}
