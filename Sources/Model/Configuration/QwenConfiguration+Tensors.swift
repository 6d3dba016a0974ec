extension QwenConfiguration {
  /// True where this program's own kernels compute all products with weights of a type: a row of the result then does not
  /// depend on the other rows, nor a micro-batch on the others in its pass.
  package func computesRowsAlone(_ type: ElementType, _ precision: Precision) -> Bool {
    let head = (out: vocabularySize, in: hiddenSize)
    return (Projection.allCases.map(shape(of:)) + [head]).allSatisfy { shape in
      BlockProducts.computesAll(rows: shape.out, columns: shape.in, type, precision)
    }
  }

  /// Names and shapes of all tensors of a model folder, in the order of the layers.
  package var tensors: [(name: String, shape: [Int])] {
    var tensors: [(name: String, shape: [Int])] = [
      ("model.embed_tokens.weight", [vocabularySize, hiddenSize])
    ]
    for layer in 0..<layerCount {
      let prefix = "model.layers.\(layer)."
      tensors.append((prefix + "input_layernorm.weight", [hiddenSize]))
      for projection in Projection.allCases {
        let shape = shape(of: projection)
        let name = prefix + projection.parent + "." + projection.name
        tensors.append((name + ".weight", [shape.out, shape.in]))
        if hasProjectionBias && projection.rawValue <= Projection.value.rawValue {
          tensors.append((name + ".bias", [shape.out]))
        }
      }
      if hasHeadNorm {
        tensors.append((prefix + "self_attn.q_norm.weight", [headSize]))
        tensors.append((prefix + "self_attn.k_norm.weight", [headSize]))
      }
      tensors.append((prefix + "post_attention_layernorm.weight", [hiddenSize]))
    }
    tensors.append(("model.norm.weight", [hiddenSize]))
    if !tiesEmbeddings { tensors.append(("lm_head.weight", [vocabularySize, hiddenSize])) }
    return tensors
  }
}
