internal import Foundation

/// The layers in double precision, written as their formulas read: what the fast ones are compared with.
package enum ReferenceLayers {
  /// x W^T + b; x: [tokens, in], weight: [out, in], bias: [out] or empty.
  package static func linear(
    _ x: ReferenceMatrix, _ weight: ReferenceMatrix, bias: [Float] = []
  ) -> ReferenceMatrix {
    var y = x.timesTransposed(weight)
    for row in 0..<y.rows {
      for (column, value) in bias.enumerated() { y[row, column] += Double(value) }
    }
    return y
  }

  /// x W^T + b + s ((mask * x) A^T) B^T.
  package static func lowRankLinear(
    _ x: ReferenceMatrix, _ weight: ReferenceMatrix, bias: [Float], a: ReferenceMatrix,
    b: ReferenceMatrix, scaling: Double, mask: ReferenceMatrix? = nil
  ) -> ReferenceMatrix {
    let masked = mask.map { x.elementwise($0, *) } ?? x
    return linear(x, weight, bias: bias)
      + scaling * masked.timesTransposed(a).timesTransposed(b)
  }

  /// weight * x / sqrt(mean(x^2) + epsilon) for each group of a row.
  package static func rmsNorm(
    _ x: ReferenceMatrix, weight: [Float], epsilon: Double
  ) -> ReferenceMatrix {
    var y = x
    let size = weight.count
    for start in stride(from: 0, to: x.values.count, by: size) {
      let group = x.values[start..<start + size]
      let mean = group.reduce(0) { $0 + $1 * $1 } / Double(size)
      for index in 0..<size {
        y.values[start + index] =
          Double(weight[index]) * x.values[start + index] / (mean + epsilon).squareRoot()
      }
    }
    return y
  }

  /// Turns (x[j], x[j + half]) by position * theta^(-2j / headSize); positions start anew in each sequence.
  package static func rotate(
    _ x: ReferenceMatrix, headSize: Int, theta: Double, sequences: [Range<Int>]
  ) -> ReferenceMatrix {
    var y = x
    let half = headSize / 2
    for sequence in sequences {
      for (position, row) in sequence.enumerated() {
        for start in stride(from: 0, to: x.columns, by: headSize) {
          for j in start..<start + half {
            let angle = Double(position) * pow(theta, -2 * Double(j - start) / Double(headSize))
            y[row, j] = x[row, j] * cos(angle) - x[row, j + half] * sin(angle)
            y[row, j + half] = x[row, j + half] * cos(angle) + x[row, j] * sin(angle)
          }
        }
      }
    }
    return y
  }

  /// gate / (1 + exp(-gate)) * up.
  package static func swiGLU(gate: ReferenceMatrix, up: ReferenceMatrix) -> ReferenceMatrix {
    gate.elementwise(up) { $0 / (1 + exp(-$0)) * $1 }
  }

  /// softmax(q k^T / sqrt(headSize)) v over the keys up to each query; query head h reads key/value head h / ratio.
  package static func attention(
    q: ReferenceMatrix, k: ReferenceMatrix, v: ReferenceMatrix, heads: Int, kvHeads: Int,
    headSize: Int, sequences: [Range<Int>]
  ) -> ReferenceMatrix {
    var output = ReferenceMatrix(q.rows, q.columns, [Double](repeating: 0, count: q.values.count))
    for sequence in sequences {
      for row in sequence {
        for head in 0..<heads {
          let (own, shared) = (head * headSize, head / (heads / kvHeads) * headSize)
          let keys = sequence.lowerBound...row
          let scores = keys.map { key in
            (0..<headSize).reduce(0.0) { $0 + q[row, own + $1] * k[key, shared + $1] }
              / Double(headSize).squareRoot()
          }
          for (key, logProbability) in zip(keys, logSoftmax(scores)) {
            for j in 0..<headSize {
              output[row, own + j] += exp(logProbability) * v[key, shared + j]
            }
          }
        }
      }
    }
    return output
  }

  /// x - log(sum(exp(x))).
  package static func logSoftmax(_ x: [Double]) -> [Double] {
    let sum = logSumExp(x)
    return x.map { $0 - sum }
  }

  /// log(sum(exp(x))).
  package static func logSumExp(_ x: [Double]) -> Double {
    let shift = x.max() ?? 0
    return shift + log(x.reduce(0) { $0 + exp($1 - shift) })
  }
}
