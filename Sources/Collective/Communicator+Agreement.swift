extension Communicator {
  /// True on all ranks if all of them have the same bytes, false on all ranks otherwise.
  ///
  /// Communication: two reductions, of 16 bytes for the length and, where that agrees, of twice the
  /// digest. No rank learns another's bytes, so it is as cheap for a thousand ranks as for two.
  package func agrees(on digest: [UInt8]) throws(MPIError) -> Bool {
    guard try agrees(on: [UInt64(digest.count)]) else { return false }
    return try agrees(on: words(digest))
  }

  /// True on all ranks if the condition holds on each of them.
  package func all(_ condition: Bool) throws(MPIError) -> Bool {
    try minimum(condition ? 1 as Int32 : 0) == 1
  }

  /// True on all ranks if the condition holds on one of them at least.
  package func any(_ condition: Bool) throws(MPIError) -> Bool {
    try maximum(condition ? 1 as Int32 : 0) == 1
  }

  /// Compares vectors of the same length.
  ///
  /// The minimum of a word's complement is the complement of its maximum, and both are the same where
  /// all ranks agree: one reduction tells.
  func agrees(on words: [UInt64]) throws(MPIError) -> Bool {
    var extremes = words + words.map { ~$0 }
    try allReduce(&extremes, operation: .minimum)
    return zip(extremes, extremes.dropFirst(words.count)).allSatisfy { $0 == ~$1 }
  }

  /// Bytes as little-endian words, padded with zeros.
  private func words(_ bytes: [UInt8]) -> [UInt64] {
    stride(from: 0, to: bytes.count, by: 8).map { start in
      bytes[start..<min(start + 8, bytes.count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }
}
