package import Model

/// The whole network in double precision, from a model folder's tensors and an adapter arena.
package struct ReferenceQwen {
  let sizes: QwenConfiguration
  let layout: AdapterLayout
  let file: SafetensorsFile

  package init(folder: String, layout: AdapterLayout) throws {
    sizes = try QwenConfiguration(modelFolder: folder)
    file = try SafetensorsFile(path: folder + "/model.safetensors")
    self.layout = layout
  }

  /// log softmax of the logits after each of the batch's target rows, at its target.
  package func logProbabilities(_ batch: MicroBatch, adapter: [Float]) -> [Double] {
    let embedding = matrix("model.embed_tokens.weight")
    var x = ReferenceMatrix(
      batch.tokens.count, sizes.hiddenSize, batch.tokens.flatMap { embedding.row(Int($0)) })
    for layer in 0..<sizes.layerCount {
      x = x + attention(layer, x, batch.sequences.map(\.rows), adapter)
      x = x + mlp(layer, x, adapter)
    }
    let normed = norm("model.norm.weight", x)
    let head = sizes.tiesEmbeddings ? embedding : matrix("lm_head.weight")
    return zip(batch.targetRows, batch.targetTokens).map { row, token in
      let logits = ReferenceMatrix(1, sizes.hiddenSize, normed.row(row)).timesTransposed(head)
      return ReferenceLayers.logSoftmax(logits.values)[Int(token)]
    }
  }

  private func attention(
    _ layer: Int, _ x: ReferenceMatrix, _ sequences: [Range<Int>], _ adapter: [Float]
  ) -> ReferenceMatrix {
    let prefix = "model.layers.\(layer)."
    let normed = norm(prefix + "input_layernorm.weight", x)
    func heads(_ projection: Projection, norm name: String) -> ReferenceMatrix {
      var y = project(layer, projection, normed, adapter)
      if sizes.hasHeadNorm { y = norm(prefix + name, y) }
      return ReferenceLayers.rotate(
        y, headSize: sizes.headSize, theta: sizes.ropeTheta, sequences: sequences)
    }
    let mixed = ReferenceLayers.attention(
      q: heads(.query, norm: "self_attn.q_norm.weight"),
      k: heads(.key, norm: "self_attn.k_norm.weight"),
      v: project(layer, .value, normed, adapter), heads: sizes.headCount,
      kvHeads: sizes.kvHeadCount, headSize: sizes.headSize, sequences: sequences)
    return project(layer, .output, mixed, adapter)
  }

  private func mlp(
    _ layer: Int, _ x: ReferenceMatrix, _ adapter: [Float]
  ) -> ReferenceMatrix {
    let normed = norm("model.layers.\(layer).post_attention_layernorm.weight", x)
    let gated = ReferenceLayers.swiGLU(
      gate: project(layer, .gate, normed, adapter), up: project(layer, .up, normed, adapter))
    return project(layer, .down, gated, adapter)
  }

  private func project(
    _ layer: Int, _ projection: Projection, _ x: ReferenceMatrix, _ adapter: [Float]
  ) -> ReferenceMatrix {
    let name = "model.layers.\(layer).\(projection.parent).\(projection.name)"
    let weight = matrix(name + ".weight")
    let bias = file.floats(name + ".bias") ?? []
    guard let pair = layout.pair(layer: layer, projection) else {
      return ReferenceLayers.linear(x, weight, bias: bias)
    }
    return ReferenceLayers.lowRankLinear(
      x, weight, bias: bias, a: pair.a.matrix(in: adapter), b: pair.b.matrix(in: adapter),
      scaling: Double(layout.configuration.scaling))
  }

  private func norm(_ name: String, _ x: ReferenceMatrix) -> ReferenceMatrix {
    ReferenceLayers.rmsNorm(
      x, weight: file.floats(name) ?? [], epsilon: Double(sizes.normEpsilon))
  }

  private func matrix(_ name: String) -> ReferenceMatrix {
    let shape = file.tensors[name]?.shape ?? [0, 0]
    return ReferenceMatrix(shape[0], shape[1], file.floats(name) ?? [])
  }
}

extension AdapterTensor {
  /// This tensor's part of an arena.
  package func matrix(in arena: [Float]) -> ReferenceMatrix {
    ReferenceMatrix(rows, columns, Array(arena[range]))
  }
}
