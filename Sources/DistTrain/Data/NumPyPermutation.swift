/// `numpy.random.default_rng(seed).permutation(count)`: SeedSequence, PCG64 (XSL-RR), masked rejection.
///
/// Sources: O'Neill, PCG, HMC-CS-2014-0905; NumPy's `bit_generator.pyx` and `distributions.c`.
package struct NumPyPermutation {
  private var state: UInt128
  private let increment: UInt128
  private var highHalf: UInt32?

  /// The order of 0..<count that NumPy gives for `seed`.
  package static func permutation(_ count: Int, seed: UInt32) -> [Int] {
    var generator = NumPyPermutation(seed: seed)
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, Int(generator.bounded(UInt32(last))))
    }
    return order
  }

  private init(seed: UInt32) {
    let words = Self.seedWords(seed)
    let long = (0..<4).map { UInt64(words[2 * $0 + 1]) << 32 | UInt64(words[2 * $0]) }
    increment = (UInt128(long[2]) << 64 | UInt128(long[3])) << 1 | 1
    state = 0
    step()
    state &+= UInt128(long[0]) << 64 | UInt128(long[1])
    step()
  }

  private static let multiplier =
    UInt128(2_549_297_995_355_413_924) << 64 | 4_865_540_595_714_422_341

  private mutating func step() { state = state &* Self.multiplier &+ increment }

  private mutating func next() -> UInt32 {
    if let highHalf {
      self.highHalf = nil
      return highHalf
    }
    step()
    let folded = UInt64(truncatingIfNeeded: state >> 64) ^ UInt64(truncatingIfNeeded: state)
    let turn = UInt64(truncatingIfNeeded: state >> 122)
    let value = folded >> turn | folded << ((64 - turn) & 63)
    highHalf = UInt32(truncatingIfNeeded: value >> 32)
    return UInt32(truncatingIfNeeded: value)
  }

  private mutating func bounded(_ maximum: UInt32) -> UInt32 {
    let mask = UInt32.max >> UInt32(maximum.leadingZeroBitCount)
    while true {
      let value = next() & mask
      if value <= maximum { return value }
    }
  }

  /// SeedSequence(seed).generate_state(8).
  private static func seedWords(_ seed: UInt32) -> [UInt32] {
    var multiplier: UInt32 = 0x43b0_d7e5
    func hash(_ value: UInt32) -> UInt32 {
      var value = value ^ multiplier
      multiplier = multiplier &* 0x931e_8875
      value = value &* multiplier
      return value ^ value >> 16
    }
    func mix(_ x: UInt32, _ y: UInt32) -> UInt32 {
      let result = (0xca01_f9dd as UInt32) &* x &- (0x4973_f715 as UInt32) &* y
      return result ^ result >> 16
    }
    var pool = [hash(seed), hash(0), hash(0), hash(0)]
    for source in 0..<4 {
      for target in 0..<4 where source != target {
        pool[target] = mix(pool[target], hash(pool[source]))
      }
    }
    var output: UInt32 = 0x8b51_f9dd
    return (0..<8).map { index in
      var value = pool[index % 4] ^ output
      output = output &* 0x58f3_8ded
      value = value &* output
      return value ^ value >> 16
    }
  }
}
