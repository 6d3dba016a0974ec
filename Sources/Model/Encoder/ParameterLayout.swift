/// One trained tensor and where it lies in every arena.
package struct ParameterTensor: Sendable, Equatable {
  /// As transformers names it.
  package let name: String
  package let shape: [Int]
  package let offset: Int
  /// Weight decay applies; not to biases and LayerNorm.
  package let decays: Bool
  /// A model file need not have it: the layers behind the encoder begin at random.
  let mayBeFresh: Bool

  package var count: Int { shape.reduce(1, *) }
  package var range: Range<Int> { offset..<offset + count }
}

/// The only place that knows where a trained tensor lies.
///
/// Parameters, gradients and both moments are four arenas of one layout, in the order in which the backward pass
/// completes the gradients: head, last block to first, embeddings; the word table comes last.
package struct ParameterLayout: Sendable, Equatable {
  package private(set) var tensors: [ParameterTensor] = []
  /// Elements of an arena.
  package private(set) var count = 0

  /// The tensor that holds element `index` of an arena.
  package func tensor(at index: Int) -> ParameterTensor? {
    tensors.first { $0.range.contains(index) }
  }

  /// The arena cut where weight decay begins or ends to apply.
  package var decaySections: [(range: Range<Int>, decays: Bool)] {
    var sections: [(range: Range<Int>, decays: Bool)] = []
    for tensor in tensors {
      if let last = sections.last, last.decays == tensor.decays {
        sections[sections.count - 1].range = last.range.lowerBound..<tensor.range.upperBound
      } else {
        sections.append((tensor.range, tensor.decays))
      }
    }
    return sections
  }

  // MARK: Building

  /// Gives a tensor the next place; returns its offset.
  mutating func place(
    _ name: String, _ shape: [Int], decays: Bool = true, mayBeFresh: Bool = false
  ) -> Int {
    let tensor = ParameterTensor(
      name: name, shape: shape, offset: count, decays: decays, mayBeFresh: mayBeFresh)
    tensors.append(tensor)
    count += tensor.count
    return tensor.offset
  }

  /// Projections of one input side by side, so that one product computes all of them.
  mutating func linear(
    _ names: [String], outputs: Int, inputs: Int, mayBeFresh: Bool = false
  ) -> TrainableLinear {
    let weights = names.map {
      place($0 + ".weight", [outputs, inputs], mayBeFresh: mayBeFresh)
    }
    let biases = names.map {
      place($0 + ".bias", [outputs], decays: false, mayBeFresh: mayBeFresh)
    }
    return TrainableLinear(
      weight: weights[0], bias: biases[0], outputs: names.count * outputs, inputs: inputs)
  }

  mutating func norm(_ name: String, _ configuration: EncoderConfiguration) -> LayerNorm {
    let size = configuration.hiddenSize
    return LayerNorm(
      weight: place(name + ".weight", [size], decays: false),
      bias: place(name + ".bias", [size], decays: false), size: size,
      epsilon: configuration.normEpsilon)
  }
}
