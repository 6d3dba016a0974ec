/// How fast this process multiplies at a model's shapes, in operations per second (2 per multiplication and addition).
package struct ProductRate: Sendable {
  /// A weight's shape: [out, in].
  package struct Shape: Sendable, Hashable {
    package let rows: Int, columns: Int
    /// Weights of the model that have it.
    package let count: Int
    /// Of y = x W^T, and of dx = dy W, each repeated with the same weights.
    package let forward: Double, backward: Double
    /// Of dW += dy^T x; nil for frozen weights.
    package let weightGradient: Double?

    /// Seconds of all weights' products with one row of x.
    fileprivate var seconds: Double {
      let inverses = [forward, backward] + (weightGradient.map { [$0] } ?? [])
      return operations * inverses.reduce(0) { $0 + 1 / $1 }
    }
    /// Operations of one such product of all weights.
    private var operations: Double { Double(2 * count * rows * columns) }
    fileprivate var allOperations: Double { operations * (weightGradient == nil ? 2 : 3) }
  }
  package let tokens: Int
  package let shapes: [Shape]

  init(tokens: Int, shapes: [Shape]) {
    self.tokens = tokens
    self.shapes = shapes
  }

  /// Measures each shape of the model for about `seconds`.
  ///
  /// - Parameter progress: Called between measurements.
  package init(
    _ model: QwenModel, tokens: Int, seconds: Double, progress: () -> Void
  ) {
    self.tokens = tokens
    let weights = model.weights
    let widest = weights.map { max($0.rows, $0.columns) }.max() ?? 0
    let products = MatrixProducts(
      model.precision, panel: model.panelCount, operand: tokens * widest)
    let input = FloatBuffer(count: tokens * widest)
    let output = FloatBuffer(count: tokens * widest)
    input.copy(from: (0..<tokens * widest).map { Float($0 % 17) - 8 })
    var shapes: [Shape] = []
    for weight in weights {
      let isKnown = shapes.contains { $0.rows == weight.rows && $0.columns == weight.columns }
      guard !isKnown else { continue }
      let (x, y) = (tokens * weight.columns, tokens * weight.rows)
      let operations = Double(2 * tokens * weight.rows * weight.columns)
      precondition(max(x, y) <= input.count)
      let forward = Self.fastest(seconds / 2) {
        products.multiply(
          products.operand(input.matrix(tokens, weight.columns).view, in: .first),
          transposed: weight, into: output.matrix(tokens, weight.rows))
      }
      let backward = Self.fastest(seconds / 2) {
        products.multiply(
          products.operand(input.matrix(tokens, weight.rows).view, in: .first), weight,
          into: output.matrix(tokens, weight.columns))
      }
      progress()
      shapes.append(
        Shape(
          rows: weight.rows, columns: weight.columns,
          count: weights.count { $0.rows == weight.rows && $0.columns == weight.columns },
          forward: operations / forward, backward: operations / backward, weightGradient: nil))
    }
    self.shapes = shapes
  }

  /// The rate of one pass over all weights forth and back, each at the rate of its shape.
  package var whole: Double {
    shapes.reduce(0) { $0 + $1.allOperations } / shapes.reduce(0) { $0 + $1.seconds }
  }

  /// Seconds of the fastest of the calls that fit into `seconds`, two at least.
  static func fastest(_ seconds: Double, _ body: () -> Void) -> Double {
    let start = ContinuousClock.now
    var fastest = Double.infinity
    var calls = 0
    while calls < 2 || start.duration(to: .now) < .seconds(seconds) {
      let duration = ContinuousClock().measure(body)
      fastest = min(fastest, duration / .seconds(1))
      calls += 1
    }
    return fastest
  }
}

extension QwenModel {
  /// The frozen matrices that tokens are multiplied with, in the order of the layers; the head is the last.
  package var weights: [WeightMatrix] {
    blocks.flatMap { $0.projections.map(\.base.weight) } + [crossEntropy.head.weight]
  }

  /// Operations of products in the forward and backward pass of a micro-batch: 4 per weight and token, 6 per adapter
  /// parameter and token, without what is left out below the first layer and outside of the loss.
  package func productOperations(_ batch: MicroBatch) -> Double {
    let (tokens, lossRows) = (Double(batch.tokens.count), Double(LossRows(batch, []).count))
    var sum = 4 * Double(crossEntropy.head.weight.elements) * Double(batch.targetRows.count)
    for block in blocks {
      for projection in Projection.allCases {
        let isFirst = block.layer == 0 && projection.rawValue <= Projection.value.rawValue
        let isLast =
          block.layer == blocks.count - 1 && projection.rawValue >= Projection.gate.rawValue
        sum +=
          (isFirst ? 2 : 4) * Double(block[projection].base.weight.elements)
          * (isLast ? lossRows : tokens)
      }
    }
    return sum + 6 * Double(layout?.count ?? 0) * tokens
  }
}

extension WeightMatrix {
  fileprivate var elements: Int { rows * columns }
}
