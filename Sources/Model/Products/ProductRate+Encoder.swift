extension ProductRate {
  /// Measures each shape of an encoder for about `seconds`.
  ///
  /// - Parameter progress: Called between measurements.
  package init(_ model: EncoderModel, tokens: Int, seconds: Double, progress: () -> Void) {
    var counts: [(linear: TrainableLinear, count: Int)] = []
    for linear in model.linears {
      let known = counts.firstIndex {
        $0.linear.outputs == linear.outputs && $0.linear.inputs == linear.inputs
      }
      if let known { counts[known].count += 1 } else { counts.append((linear, 1)) }
    }
    let shapes = counts.map { linear, count in
      defer { progress() }
      return Self.shape(
        linear, count, model.precision, tokens: tokens, seconds: seconds / 3)
    }
    self.init(tokens: tokens, shapes: shapes)
  }

  /// Measures the three products of one projection with parameters of its own, each for `seconds`.
  private static func shape(
    _ linear: TrainableLinear, _ count: Int, _ precision: Precision, tokens: Int, seconds: Double
  ) -> Shape {
    let (outputs, inputs) = (linear.outputs, linear.inputs)
    let alone = TrainableLinear(
      weight: 0, bias: outputs * inputs, outputs: outputs, inputs: inputs)
    let products = MatrixProducts(
      precision, operand: max(tokens * max(outputs, inputs), outputs * inputs))
    let parameters = FloatBuffer(count: outputs * (inputs + 1))
    let gradients = FloatBuffer(count: outputs * (inputs + 1))
    let buffer = FloatBuffer(count: tokens * inputs)
    buffer.copy(from: (0..<tokens * inputs).map { Float($0 % 17) - 8 })
    let results = FloatBuffer(count: tokens * outputs)
    let (x, y) = (buffer.matrix(tokens, inputs), results.matrix(tokens, outputs))
    let operations = Double(2 * tokens * outputs * inputs)
    let forward = fastest(seconds) { alone.forward(x.view, parameters, into: y, products) }
    let gradient = fastest(seconds) {
      alone.backward(
        y.view, products.operand(y.view, in: .first), x: x.view,
        accumulatingIntoParameters: gradients, products)
    }
    let backward = fastest(seconds) {
      alone.backward(products.operand(y.view, in: .first), parameters, into: x, products)
    }
    return Shape(
      rows: outputs, columns: inputs, count: count, forward: operations / forward,
      backward: operations / backward, weightGradient: operations / gradient)
  }
}

extension EncoderModel {
  /// What products are computed with, in the order of the layers; the classifier's single row is none of them.
  var linears: [TrainableLinear] {
    blocks.flatMap { [$0.projections, $0.attentionOutput, $0.intermediate, $0.output] }
      + [head.pooler]
  }

  /// Operations of products in the forward and backward pass of a micro-batch: 6 per parameter of a projection and token
  /// that it is computed for; the last block computes but keys and values for others than first tokens.
  package func productOperations(_ batch: ChoiceBatch) -> Double {
    let (tokens, firsts) = (Double(batch.tokens.count), Double(batch.sequences.count))
    func operations(_ linears: [TrainableLinear], _ rows: Double) -> Double {
      linears.reduce(0) { $0 + 6 * Double($1.outputs * $1.inputs) * rows }
    }
    var sum = operations([head.pooler], firsts)
    for block in blocks {
      let behind = [block.attentionOutput, block.intermediate, block.output]
      let isLast = block.layer == blocks.count - 1
      sum +=
        isLast
        ? operations([block.keysValues], tokens) + operations([block.queries] + behind, firsts)
        : operations([block.projections] + behind, tokens)
    }
    return sum
  }
}
