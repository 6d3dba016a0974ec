package import Collective
package import Model

/// Clipping and AdamW with the gradients of an exact sum, which become floats a part of the arenas at a time.
package struct SummedUpdate: ~Copyable {
  private let optimizer: AdamW
  private let maximumNorm: Double
  /// Where the decay applies and where it does not, over the whole arenas.
  private let sections: [(range: Range<Int>, decays: Bool)]
  private var part: FloatBuffer
  /// Elements that stay in the second-level cache with their parameters and moments.
  private static let partCount = 1 << 14

  /// - Parameter sections: Of arenas of `count` elements; the decay applies everywhere if nil.
  package init(
    _ configuration: RunConfiguration, count: Int,
    sections: [(range: Range<Int>, decays: Bool)]? = nil
  ) {
    optimizer = AdamW(weightDecay: Float(configuration.weightDecay))
    maximumNorm = configuration.maximumGradientNorm
    self.sections = sections ?? [(0..<count, true)]
    part = FloatBuffer(count: min(count, Self.partCount))
  }

  /// Updates parameters and both moments with `factor` times the sum, and returns the norm of that before clipping.
  ///
  /// With a host, each of its ranks updates a part of what they have in common, and until `host.barrier()` the others' parts
  /// may still be old.
  package mutating func update(
    _ parameters: borrowing FloatBuffer, firstMoment: borrowing FloatBuffer,
    secondMoment: borrowing FloatBuffer, _ sum: borrowing ExactSum, scaledBy factor: Double,
    learningRate: Double, step: Int, of host: HostRanks? = nil
  ) -> Double {
    var squares = 0.0
    forEachPart(of: sum, scaledBy: factor) { _, _, gradients in
      squares += GradientClipping.squaredNorm(gradients)
    }
    let norm = squares.squareRoot()
    let scale = GradientClipping.coefficient(norm: norm, maximum: maximumNorm)
    let optimizer = optimizer
    forEachPart(of: sum, scaledBy: factor, onlyOf: host?.ranks) { first, decays, gradients in
      optimizer.update(
        parameters, from: first, gradients, firstMoment: firstMoment, secondMoment: secondMoment,
        gradientScale: scale, learningRate: learningRate, step: step, decays: decays)
    }
    return norm
  }

  private mutating func forEachPart(
    of sum: borrowing ExactSum, scaledBy factor: Double, onlyOf ranks: Communicator? = nil,
    _ body: (_ first: Int, _ decays: Bool, Span<Float>) -> Void
  ) {
    var number = 0
    for (range, decays) in sections {
      for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.partCount) {
        number += 1
        if let ranks, number % ranks.worldSize != ranks.rank { continue }
        let count = min(Self.partCount, range.upperBound - first)
        var whole = part.mutableSpan
        var gradients = whole._mutatingExtracting(0..<count)
        sum.write(from: first, scaledBy: factor, into: &gradients)
        body(first, decays, gradients.span)
      }
    }
  }
}
