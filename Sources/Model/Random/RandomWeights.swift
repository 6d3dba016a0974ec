internal import VectorKernels

/// Random bfloat16 numbers of one tensor, a pure function of (seed, name, element).
package struct RandomWeights: Sendable {
  private let limit: Float
  private let stream: vk_stream

  /// - Parameter limit: Numbers are spread evenly over -limit..<limit.
  package init(seed: UInt64, name: String, limit: Float) {
    self.limit = limit
    // FNV-1a, 64 bits.
    let hash = name.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    stream = vk_stream(
      key: seed, purpose: RandomPurpose.syntheticWeights.rawValue,
      first: UInt32(truncatingIfNeeded: hash), second: UInt32(truncatingIfNeeded: hash >> 32))
  }

  /// The little-endian bytes of the elements in `range`, which begins at a multiple of 8.
  package func bytes(_ range: Range<Int>) -> [UInt8] {
    precondition(range.lowerBound % 8 == 0, "random numbers come in blocks of 8")
    return unsafe [UInt8](unsafeUninitializedCapacity: 2 * range.count) { bytes, count in
      unsafe bytes.withMemoryRebound(to: UInt16.self) { numbers in
        guard let base = numbers.baseAddress else { return }
        unsafe vk_uniform_bf16(base, limit, stream, range.lowerBound, range.count)
      }
      count = 2 * range.count
    }
  }
}
