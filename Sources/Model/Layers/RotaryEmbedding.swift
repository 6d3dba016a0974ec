internal import Glibc
internal import VectorKernels

/// Rotates pairs of a head's elements by angles that grow with the position.
///
/// Pairs are (j, j + headSize / 2); the angle of pair j at position p is p * theta^(-2j / headSize).
/// Source: Su et al., RoFormer, 2021, in the half-split form of the Hugging Face models.
package struct RotaryEmbedding: Sendable {
  private let half: Int
  /// [positions, half]
  private let cosines: [Float], sines: [Float]

  package init(headSize: Int, theta: Double, positions: Int) {
    half = headSize / 2
    var cosines: [Float] = []
    var sines: [Float] = []
    for position in 0..<positions {
      for j in 0..<half {
        // The reference computes the frequency and the angle in single precision.
        let frequency = Float(1 / pow(Float(theta), Float(2 * j) / Float(headSize)))
        let angle = Float(position) * frequency
        cosines.append(Float(cos(Double(angle))))
        sines.append(Float(sin(Double(angle))))
      }
    }
    self.cosines = cosines
    self.sines = sines
  }

  /// Rotates every head of x in place; x: [tokens, heads * headSize], positions start anew in each sequence that continues none.
  package func forward(_ x: MutableMatrixView, sequences: [PackedSequence]) {
    apply(x, sequences, inverse: false)
  }

  /// Turns the gradient of the rotated x into the gradient of x, in place.
  package func backward(_ dx: MutableMatrixView, sequences: [PackedSequence]) {
    apply(dx, sequences, inverse: true)
  }

  private func apply(_ x: MutableMatrixView, _ sequences: [PackedSequence], inverse: Bool) {
    let heads = x.columns / (2 * half)
    precondition(heads * 2 * half == x.columns, "not a whole number of heads")
    for sequence in sequences {
      precondition(
        sequence.rows.upperBound <= x.rows && sequence.length * half <= cosines.count,
        "a sequence is longer than the planned positions")
      for row in sequence.rows {
        let angle = (sequence.prefix.count + row - sequence.rows.lowerBound) * half
        unsafe cosines.withUnsafeBufferPointer { cosines in
          unsafe sines.withUnsafeBufferPointer { sines in
            guard let cosine = cosines.baseAddress, let sine = sines.baseAddress else { return }
            for head in 0..<heads {
              let element = unsafe x.base + row * x.stride + head * 2 * half
              unsafe inverse
                ? vk_rotate_back(element, cosine + angle, sine + angle, half)
                : vk_rotate(element, cosine + angle, sine + angle, half)
            }
          }
        }
      }
    }
  }
}
