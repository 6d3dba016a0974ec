import Collective

let vectorCount = 12
let elementCount = 4_099
let factor = 1.0 / 777

/// `exact-sum SHARING [RANKS_PER_HOST]`: the digest of the sum of twelve vectors, checked against integers in Swift.
func exactSum(_ world: Communicator, _ words: [String]) throws -> String {
  var sum = try emptySum(elementCount, world, words.dropFirst().first)
  var result = [Float](repeating: .nan, count: elementCount)
  // A second window on the same sum must not see the first.
  for _ in 0..<2 {
    try sum.reset()
    for vector in try share(words.first ?? "", world) { sum.add(uglyVector(vector).span) }
    try sum.allReduce(over: world)
    try expect(sum.added == vectorCount, "\(sum.added) vectors were added")
    var span = result.mutableSpan
    sum.write(scaledBy: factor, into: &span)
  }
  try expect(
    result.map(\.bitPattern) == referenceSum().map(\.bitPattern), "the sum differs from integers")
  return "digest \(digest(result))"
}

/// A sum that each rank has for itself, or that so many ranks have in common.
func emptySum(
  _ count: Int, _ world: Communicator, _ ranksPerHost: String?
) throws -> ExactSum {
  guard let size = ranksPerHost.flatMap({ Int($0) }) else {
    return ExactSum(count: count, contributions: vectorCount)
  }
  let host = try HostRanks(of: world, host: world.rank / size)
  try expect(host.ranks.worldSize == min(size, world.worldSize - world.rank / size * size), "alone")
  try expect(host.hostCount == (world.worldSize + size - 1) / size, "\(host.hostCount) hosts")
  return try ExactSum(count: count, contributions: vectorCount, of: host)
}

/// `sparse-sum [RANKS_PER_HOST]`: the digest of a sum that is reduced in some ranges alone, or while its last vector is still
/// added, compared with one that is reduced everywhere.
func sparseSum(_ world: Communicator, _ words: [String]) throws -> String {
  let count = 300_000
  world.pieceLimit = 20_000
  let ranges = [0..<70_000, 70_010..<70_020, 100_000..<100_001, 120_000..<250_000, 299_990..<count]
  var digests: Set<String> = []
  for (isSparse, isBegun) in [(false, false), (true, false), (true, true), (true, true)] {
    var sum = try emptySum(count, world, words.first)
    if isBegun { sum.beginAllReduce(over: world, in: ranges) }
    let vectors = try share("strided", world)
    for vector in vectors {
      var values = [Float](repeating: 0, count: count)
      for index in ranges.joined() { values[index] = Float((index + vector) % 1001) / 1024 }
      guard isBegun, vector == vectors.last else {
        sum.add(values.span, in: ranges)
        continue
      }
      for range in ranges {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 7_001) {
          let end = min(start + 7_001, range.upperBound)
          sum.add(values.span.extracting(start..<end), at: start)
          sum.complete(below: end)
        }
      }
      sum.complete(vectors: 1)
    }
    try sum.allReduce(over: world, in: isSparse ? ranges : nil)
    try expect(sum.added == vectorCount, "\(sum.added) vectors were added")
    var result = [Float](repeating: .nan, count: count)
    var span = result.mutableSpan
    sum.write(scaledBy: factor, into: &span)
    digests.insert(digest(result))
  }
  try expect(digests.count == 1, "the ranges differ from the whole")
  return "digest \(digests.first ?? "")"
}

/// `float-sum SHARING`: the same by floats, to show that the vectors are ugly enough to tell.
func floatSum(_ world: Communicator, _ words: [String]) throws -> String {
  var result = [Float](repeating: 0, count: elementCount)
  for vector in try share(words.first ?? "", world) {
    let values = uglyVector(vector)
    for index in result.indices { result[index] += values[index] }
  }
  try world.allReduce(&result, operation: .sum)
  return "digest \(digest(result))"
}

/// The vectors that a rank adds, in its order.
func share(_ name: String, _ world: Communicator) throws -> [Int] {
  let (rank, size) = (world.rank, world.worldSize)
  switch name {
  case "contiguous": return Array(vectorCount * rank / size..<vectorCount * (rank + 1) / size)
  case "strided": return (0..<vectorCount).filter { $0 % size == rank }.reversed()
  case "last-rank-only": return rank == size - 1 ? Array(0..<vectorCount) : []
  default: throw CheckFailed("there is no sharing named '\(name)'")
  }
}

/// Values with every exponent from subnormal to 1e4, zeros and both signs, by vector and index alone.
func uglyVector(_ vector: Int) -> [Float] {
  (0..<elementCount).map { index in
    let bits = mixed(UInt64(vector * elementCount + index))
    let sign: Float = bits & 1 == 0 ? 1 : -1
    let fraction = 1 + Float(bits >> 40) * 0x1p-24
    switch (bits >> 1) % 16 {
    case 0: return sign * Float(bitPattern: UInt32(bits >> 41))
    case 1: return sign * 0
    case 2: return sign * (Float(bits >> 60) + 0.5) * 0x1p-40
    default:
      let exponent = Int((bits >> 8) % 53) - 40
      return sign * Float(sign: .plus, exponent: exponent, significand: fraction)
    }
  }
}

/// SplitMix64's output function.
func mixed(_ counter: UInt64) -> UInt64 {
  var z = (counter &+ 1) &* 0x9e37_79b9_7f4a_7c15
  z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
  z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
  return z ^ (z >> 31)
}

/// What the sum must be, by Swift's own rounding and integers.
func referenceSum() -> [Float] {
  var sums = [Int64](repeating: 0, count: elementCount)
  for vector in 0..<vectorCount {
    for (index, value) in uglyVector(vector).enumerated() {
      sums[index] += Int64((Double(value) * 0x1p40).rounded(.toNearestOrEven))
    }
  }
  return sums.map { Float(Double($0) * (factor * 0x1p-40)) }
}

/// FNV-1a over the bit patterns.
func digest(_ values: [Float]) -> String {
  let hash = values.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
    ($0 ^ UInt64($1.bitPattern)) &* 0x100_0000_01b3
  }
  return String(hash, radix: 16)
}
