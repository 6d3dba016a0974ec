/// One matrix of the adapter and where it lies in every arena.
package struct AdapterTensor: Sendable, Equatable {
  /// PEFT's name without its wrapper, such as "model.layers.0.self_attn.q_proj.lora_A.weight".
  package let name: String
  package let rows: Int, columns: Int
  package let offset: Int

  package var range: Range<Int> { offset..<offset + rows * columns }
}

/// The pair of matrices of one adapted projection: A [rank, in], B [out, rank].
package struct AdapterPair: Sendable, Equatable {
  package let a: AdapterTensor, b: AdapterTensor
}

/// The only place that knows where an adapter matrix lies.
///
/// Parameters, gradients and both moments are four arenas of one layout, in the order in which the backward pass
/// completes the gradients: last block first.
package struct AdapterLayout: Sendable, Equatable {
  package let configuration: LoRAConfiguration
  package let layerCount: Int
  package let tensors: [AdapterTensor]
  /// Elements of an arena.
  package let count: Int
  private let pairs: [AdapterPair?]
  private static let moduleCount = Projection.allCases.count

  package init(_ model: QwenConfiguration, _ lora: LoRAConfiguration) {
    var tensors: [AdapterTensor] = []
    var pairs = [AdapterPair?](repeating: nil, count: model.layerCount * Self.moduleCount)
    var offset = 0
    func place(_ name: String, _ rows: Int, _ columns: Int) -> AdapterTensor {
      let tensor = AdapterTensor(name: name, rows: rows, columns: columns, offset: offset)
      offset += rows * columns
      tensors.append(tensor)
      return tensor
    }
    for layer in (0..<model.layerCount).reversed() {
      for projection in lora.targets.reversed() {
        let shape = model.shape(of: projection)
        let module = "model.layers.\(layer).\(projection.parent).\(projection.name)"
        let b = place(module + ".lora_B.weight", shape.out, lora.rank)
        let a = place(module + ".lora_A.weight", lora.rank, shape.in)
        pairs[layer * Self.moduleCount + projection.rawValue] = AdapterPair(a: a, b: b)
      }
    }
    configuration = lora
    layerCount = model.layerCount
    self.tensors = tensors
    self.pairs = pairs
    count = offset
  }

  /// The pair of a projection, or nil where it carries no adapter.
  package func pair(layer: Int, _ projection: Projection) -> AdapterPair? {
    pairs[layer * Self.moduleCount + projection.rawValue]
  }

  /// The tensor that holds element `index` of an arena.
  package func tensor(at index: Int) -> AdapterTensor? {
    tensors.first { $0.range.contains(index) }
  }
}
