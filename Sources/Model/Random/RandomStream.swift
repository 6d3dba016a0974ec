internal import VectorKernels

/// What random numbers are for: numbers of different purposes never share a counter.
package enum RandomPurpose: UInt32, Sendable {
  case split = 1
  case optionOrder, epochOrder, adapterInitialization, dropout, syntheticWeights
  case headInitialization
  case tieBreaking = 64
}

/// Random numbers that are a pure function of (seed, purpose, two indices, position): Philox 4x32-10.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11.
package struct RandomStream: RandomNumberGenerator, Sendable {
  private let key: UInt64
  private let purpose: RandomPurpose
  private let first: UInt32, second: UInt32
  private var block: UInt32 = 0
  private var pending: UInt64?

  package init(seed: UInt64, purpose: RandomPurpose, _ first: Int = 0, _ second: Int = 0) {
    key = seed
    self.purpose = purpose
    self.first = UInt32(truncatingIfNeeded: first)
    self.second = UInt32(truncatingIfNeeded: second)
  }

  package mutating func next() -> UInt64 {
    if let pending {
      self.pending = nil
      return pending
    }
    let words = Self.philox(counter: [block, purpose.rawValue, first, second], key: key)
    block += 1
    pending = UInt64(words[3]) << 32 | UInt64(words[2])
    return UInt64(words[1]) << 32 | UInt64(words[0])
  }

  /// A uniform number in 0..<1 with 24 random bits.
  package mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// Overwrites x with what `(2 * uniform() - 1) * limit` gives one after the other from the stream's start; x: contiguous.
  package func fill(_ x: MutableMatrixView, within limit: Float) {
    precondition(x.stride == x.columns, "not contiguous")
    let stream = vk_stream(key: key, purpose: purpose.rawValue, first: first, second: second)
    unsafe vk_uniform(x.base, limit, stream, x.rows * x.columns)
  }

  /// A random order of 0..<count (Fisher and Yates).
  package mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, Int(next(upperBound: UInt64(last + 1))))
    }
    return order
  }

  /// One block of Philox 4x32-10.
  package static func philox(counter: [UInt32], key: UInt64) -> [UInt32] {
    precondition(counter.count == 4, "a Philox counter has four words")
    var result: [UInt32] = [0, 0, 0, 0]
    unsafe vk_philox(counter, key, &result)
    return result
  }
}
