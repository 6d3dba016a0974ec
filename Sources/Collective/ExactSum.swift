internal import VectorKernels

/// Which gradient element made a sum impossible.
package struct ExactSumError: Error, Equatable, CustomStringConvertible {
  package let rank: Int
  /// Index of the element in the arena.
  package let index: Int
  package let value: Float

  package var description: String {
    let reason = value.isFinite ? "is too large for the sum of the window" : "is not finite"
    return "the gradient element \(index) on rank \(rank) is \(value), which \(reason)"
  }
}

/// The sum of gradients over micro-batches and ranks, the same bits for any order and any number of ranks.
///
/// Each value is rounded to a multiple of 2^-fractionBits and added as a 64-bit integer; integers add associatively.
/// Communication: two numbers per rank for failures, then one all-reduce of 8 bytes per element per window.
package struct ExactSum: ~Copyable {
  private var sums: [Int64]
  private let scale: Double
  /// Magnitude up to which all contributions together cannot overflow.
  private let limit: Double
  private var failure: (index: Int, value: Float)?

  /// - Parameters:
  ///   - count: Elements of the arena.
  ///   - contributions: Vectors that are added in one window, on all ranks together.
  ///   - fractionBits: Resolution 2^-fractionBits; a property of the configuration, never of the ranks.
  package init(count: Int, contributions: Int, fractionBits: Int = 40) {
    precondition(contributions > 0 && (0...60).contains(fractionBits), "impossible sum")
    sums = [Int64](repeating: 0, count: count)
    scale = Double(sign: .plus, exponent: fractionBits, significand: 1)
    limit = 0x1p62 / Double(contributions) / scale
  }

  /// Starts a new window.
  package mutating func reset() {
    for index in sums.indices { sums[index] = 0 }
    failure = nil
  }

  /// Adds one micro-batch's gradients; a value that cannot be added is kept for `allReduce` to report.
  package mutating func add(_ values: Span<Float>) {
    precondition(values.count == sums.count, "\(values.count) gradients for \(sums.count) sums")
    guard failure == nil else { return }
    let (scale, limit) = (scale, limit)
    let bad = unsafe values.withUnsafeBufferPointer { source in
      unsafe sums.withUnsafeMutableBufferPointer { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return 0 }
        return unsafe vk_fixed_point_add(from, to, scale, limit, source.count)
      }
    }
    if bad < values.count { failure = (bad, values[bad]) }
  }

  /// Sums over all ranks; throws the same error on every rank if any of them could not add a value.
  package mutating func allReduce(over ranks: borrowing Communicator) throws {
    try throwAgreedFailure(over: ranks)
    try ranks.allReduce(&sums, .sum)
  }

  private func throwAgreedFailure(over ranks: borrowing Communicator) throws {
    let mine = failure == nil ? Int64.max : Int64(ranks.rank)
    let first = try ranks.allReduce(mine, .minimum)
    guard first < Int64.max else { return }
    let speaks = Int(first) == ranks.rank
    var report = [
      speaks ? Int64(failure?.index ?? 0) : 0,
      speaks ? Int64(failure?.value.bitPattern ?? 0) : 0,
    ]
    try ranks.allReduce(&report, .sum)
    throw ExactSumError(
      rank: Int(first), index: Int(report[0]),
      value: Float(bitPattern: UInt32(truncatingIfNeeded: report[1])))
  }

  /// Overwrites `values` with the sums times `factor`.
  package func read(scaledBy factor: Double, into values: inout MutableSpan<Float>) {
    precondition(values.count == sums.count, "\(values.count) values for \(sums.count) sums")
    let step = factor / scale
    unsafe values.withUnsafeMutableBufferPointer { target in
      unsafe sums.withUnsafeBufferPointer { source in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        unsafe vk_fixed_point_read(from, to, step, target.count)
      }
    }
  }
}
