/// What the families call their tensors in transformers' multiple-choice models.
struct EncoderNames: Sendable {
  /// Before everything but the classifier, and DistilBERT's layer before it.
  let prefix: String
  private let isDistilled: Bool

  init(_ architecture: EncoderConfiguration.Architecture) {
    prefix = architecture.rawValue + "."
    isDistilled = architecture == .distilbert
  }

  let words = "embeddings.word_embeddings.weight"
  let positions = "embeddings.position_embeddings.weight"
  let types = "embeddings.token_type_embeddings.weight"
  let embeddingNorm = "embeddings.LayerNorm"
  let classifier = "classifier"
  /// The layer between the first token's vector and the classifier.
  var pooler: String { isDistilled ? "pre_classifier" : prefix + "pooler.dense" }

  private func layer(_ index: Int) -> String {
    prefix + (isDistilled ? "transformer.layer.\(index)." : "encoder.layer.\(index).")
  }

  /// Query, key and value.
  func projections(_ index: Int) -> [String] {
    (isDistilled
      ? ["attention.q_lin", "attention.k_lin", "attention.v_lin"]
      : ["attention.self.query", "attention.self.key", "attention.self.value"])
      .map { layer(index) + $0 }
  }

  func attentionOutput(_ index: Int) -> String {
    layer(index) + (isDistilled ? "attention.out_lin" : "attention.output.dense")
  }

  func attentionNorm(_ index: Int) -> String {
    layer(index) + (isDistilled ? "sa_layer_norm" : "attention.output.LayerNorm")
  }

  func intermediate(_ index: Int) -> String {
    layer(index) + (isDistilled ? "ffn.lin1" : "intermediate.dense")
  }

  func output(_ index: Int) -> String {
    layer(index) + (isDistilled ? "ffn.lin2" : "output.dense")
  }

  func outputNorm(_ index: Int) -> String {
    layer(index) + (isDistilled ? "output_layer_norm" : "output.LayerNorm")
  }
}
