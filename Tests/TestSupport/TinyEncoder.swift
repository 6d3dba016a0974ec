package import Model

/// An encoder of a few thousand random parameters, and questions for it.
package struct TinyEncoder: Sendable {
  package let configuration: EncoderConfiguration
  package let model: EncoderModel
  package let parameters: [Float]
  package static let families = ["bert", "roberta", "distilbert"]

  /// - Parameter dropout: The share that is dropped in every place.
  package init(
    _ family: String, hidden: Int = 12, layers: Int = 2, intermediate: Int = 20,
    vocabulary: Int = 40, dropout: Float = 0, precision: Precision = .float32
  ) throws {
    let folder = try TemporaryFolder()
    try folder.write(
      Self.config(family, hidden, layers, intermediate, vocabulary, dropout), to: "config.json")
    configuration = try EncoderConfiguration(modelFolder: folder.path)
    model = EncoderModel(configuration, precision: precision)
    var values = randomValues(model.layout.count, seed: 41).map { 0.4 * $0 }
    for tensor in model.layout.tensors where tensor.isNormWeight {
      for index in tensor.range { values[index] = 1 + 0.5 * values[index] }
    }
    parameters = values
  }

  package static func config(
    _ family: String, _ hidden: Int, _ layers: Int, _ intermediate: Int, _ vocabulary: Int,
    _ dropout: Float
  ) -> String {
    let sizes =
      family == "distilbert"
      ? """
      "dim": \(hidden), "hidden_dim": \(intermediate), "n_layers": \(layers), "n_heads": 2,
      "dropout": \(dropout), "attention_dropout": \(dropout), "seq_classif_dropout": \(dropout)
      """
      : """
      "hidden_size": \(hidden), "intermediate_size": \(intermediate),
      "num_hidden_layers": \(layers), "num_attention_heads": 2,
      "type_vocab_size": \(family == "bert" ? 2 : 1), "layer_norm_eps": 1e-5,
      "hidden_dropout_prob": \(dropout), "attention_probs_dropout_prob": \(dropout)
      """
    return """
      {"model_type": "\(family)", "vocab_size": \(vocabulary), "max_position_embeddings": 90, \(sizes)}
      """
  }

  /// Two questions of two and three options, one of them longer than a block of attention.
  package var batch: ChoiceBatch {
    func pair(_ count: Int, _ factor: Int) -> EncodedPair {
      let types = configuration.typeCount == 2 ? 1 : 0
      return EncodedPair(
        tokens: (0..<count).map { Int32(2 + ($0 * factor) % (configuration.vocabularySize - 2)) },
        types: (0..<count).map { Int32($0 < count / 2 ? 0 : types) })
    }
    var batch = ChoiceBatch()
    batch.append([pair(7, 5), pair(70, 11)], answer: 1)
    batch.append([pair(1, 3), pair(12, 7), pair(9, 13)], answer: 0)
    return batch
  }

  /// The loss of `batch` and its gradient by every parameter.
  package func run(
    _ parameters: [Float], _ batch: ChoiceBatch, dropout: EncoderDropout? = nil
  ) -> (loss: Double, gradient: [Float]) {
    let gradients = FloatBuffer(count: model.layout.count)
    let loss = model.forwardBackward(
      batch, parameters: FloatBuffer(parameters), dropout: dropout,
      loss: ChoiceLoss(smoothing: 0.1),
      accumulatingInto: gradients,
      EncoderActivations(EncoderPlan(fitting: [batch], keepsForBackward: true), for: model))
    return (loss, gradients.array())
  }
}

extension ParameterTensor {
  /// The scale of a LayerNorm.
  package var isNormWeight: Bool { shape.count == 1 && name.hasSuffix(".weight") }
}
