internal import Collective
internal import Testing

struct ExactSumTests {
  /// The sum of vectors in a world of one.
  private func summed(
    _ vectors: [[Float]], contributions: Int, fractionBits: Int = 40, factor: Double = 1
  ) throws -> [Float] {
    let environment = try MPIEnvironment()
    var sum = ExactSum(
      count: vectors[0].count, contributions: contributions, fractionBits: fractionBits)
    for vector in vectors { sum.add(vector.span) }
    try sum.allReduce(over: environment.world())
    var result = [Float](repeating: .nan, count: vectors[0].count)
    var span = result.mutableSpan
    sum.write(scaledBy: factor, into: &span)
    return result
  }

  @Test func `values are rounded half to even at the last fraction bit`() throws {
    let units: [Float] = [0, 0.25, 0.5, 0.75, 1, 1.5, 2.5, -0.5, -1.5, -2.5, -0.75, 3.5]
    let rounded: [Float] = [0, 0, 0, 1, 1, 2, 2, 0, -2, -2, -1, 4]
    #expect(
      try summed([units.map { $0 * 0x1p-40 }], contributions: 1) == rounded.map { $0 * 0x1p-40 })
    #expect(try summed([units], contributions: 1, fractionBits: 0) == rounded)
  }

  @Test func `a vector that is zero elsewhere may be added in ranges`() throws {
    let environment = try MPIEnvironment()
    let ranges = [0..<2, 3..<4, 6..<9]
    var values: [Float] = (0..<10).map { 0.5 + Float($0) }
    for index in values.indices where !ranges.contains(where: { $0.contains(index) }) {
      values[index] = 0
    }
    var sum = ExactSum(count: 10, contributions: 2)
    for _ in 0..<2 { sum.add(values.span, in: ranges) }
    try sum.allReduce(over: environment.world())
    var result = [Float](repeating: .nan, count: 10)
    var span = result.mutableSpan
    sum.write(scaledBy: 1, into: &span)
    #expect(result == values.map { 2 * $0 })
    values[7] = .nan
    try sum.reset()
    sum.add(values.span, in: ranges)
    let error = #expect(throws: ExactSumError.self) { try sum.allReduce(over: environment.world()) }
    guard case .unusableValue(_, let index, _, _) = error else { return #expect(Bool(false)) }
    #expect(index == 7)
  }

  @Test func `every usable bit pattern is rounded as Swift rounds it`() throws {
    var generator = SystemRandomNumberGenerator()
    let limit = ExactSum(count: 1, contributions: 1).limit
    let values =
      (0..<100_003).map { _ in
        Float(bitPattern: UInt32.random(in: 0 ... .max, using: &generator))
      }.map { abs($0) <= limit ? $0 : 1 } + [limit, -limit, limit.nextDown, 0x1p-149, -0x1p-149]
    let expected = values.map {
      Float(Double(Int64((Double($0) * 0x1p40).rounded(.toNearestOrEven))) * 0x1p-40)
    }
    #expect(try summed([values], contributions: 1) == expected)
  }

  @Test func `a sum survives cancellation that floats lose`() throws {
    let vectors: [[Float]] = [[65_536], [0x1p-30], [-65_536]]
    #expect(try summed(vectors, contributions: 3) == [0x1p-30])
    #expect(vectors.reduce(0) { $0 + $1[0] } == 0)
  }

  @Test(arguments: [1, 2, 3, 64, 65])
  func `the window's sum of the largest values does not overflow`(contributions: Int) throws {
    let limit = ExactSum(count: 1, contributions: contributions).limit
    let vectors = [[Float]](repeating: [limit, -limit], count: contributions)
    let total = limit * Float(contributions)
    #expect(try summed(vectors, contributions: contributions) == [total, -total])
    #expect(throws: ExactSumError.self) {
      try summed([[limit.nextUp]], contributions: contributions)
    }
  }

  @Test func `the factor is applied in double and rounded once`() throws {
    let values: [Float] = [1, 3, 1e4, -7e-5]
    let expected = values.map { Float(Double($0) * (1.0 / 777)) }
    let result = try summed([values], contributions: 4, factor: 1.0 / 777)
    #expect(zip(result, expected).allSatisfy { abs($0 - $1) <= 0x1p-40 })
    #expect(result[0] == expected[0] && result[2] == expected[2])
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude])
  func `the unusable value with the lowest index is named`(value: Float) throws {
    let vectors: [[Float]] = [[1, 2, 3, 4], [1, 2, value, value], [value, 2, 3, 4]]
    let limit = ExactSum(count: 4, contributions: 3).limit
    #expect(throws: ExactSumError.unusableValue(rank: 0, index: 0, value: value, limit: limit)) {
      try summed(vectors, contributions: 3)
    }
  }

  @Test func `adding after the reduction traps`() async {
    await #expect(processExitsWith: .failure) {
      var sum = ExactSum(count: 1, contributions: 2)
      sum.add([1].span)
      try sum.allReduce(over: MPIEnvironment().world())
      sum.add([1].span)
    }
  }

  @Test func `a vector of another length traps`() async {
    await #expect(processExitsWith: .failure) {
      var sum = ExactSum(count: 2, contributions: 2)
      sum.add([1].span)
    }
  }
}
