/// The sizes and constants of a BERT, RoBERTa or DistilBERT encoder, as its config.json gives them.
package struct EncoderConfiguration: Sendable, Equatable {
  package enum Architecture: String, Sendable, CaseIterable { case bert, roberta, distilbert }
  package let architecture: Architecture
  package let hiddenSize: Int, intermediateSize: Int, layerCount: Int, headCount: Int
  package let vocabularySize: Int
  /// Rows of the position table, of which RoBERTa leaves the first ones unused.
  package let positionCount: Int
  /// Kinds of segments; 0 where the architecture knows none.
  package let typeCount: Int
  /// The token that fills up batches elsewhere; its embedding is not trained.
  package let paddingToken: Int?
  package let normEpsilon: Float
  /// Standard deviation of newly initialised weights.
  package let initializerRange: Float
  package let hiddenDropout: Float, attentionDropout: Float, headDropout: Float

  /// Whether a config.json with this model_type is an encoder's.
  package static func isEncoder(modelType: String) -> Bool {
    Architecture(rawValue: modelType) != nil
  }

  package var headSize: Int { hiddenSize / headCount }
  /// The position of a sequence's first token.
  package var firstPosition: Int { architecture == .roberta ? (paddingToken ?? 0) + 1 : 0 }
  /// Tokens of the longest sequence that has positions.
  package var longestSequence: Int { positionCount - firstPosition }
  /// DistilBERT drops nothing of what attention gives.
  var dropsAttentionOutput: Bool { architecture != .distilbert }
}

extension EncoderConfiguration {
  /// Reads `config.json` in a model folder; throws `ModelError` that names the key.
  package init(modelFolder: String) throws(ModelError) {
    let path = modelFolder + "/config.json"
    try self.init(json: JSONParser.parse(modelFile: path), path: path)
  }

  init(json: JSONValue, path: String) throws(ModelError) {
    let name = json["model_type"]?.stringValue ?? "none"
    guard let architecture = Architecture(rawValue: name) else {
      throw ModelError(
        .unsupported,
        "\(path): model_type is \(name); encoders of type bert, roberta and distilbert are computed"
      )
    }
    let reader = ConfigurationReader(json: json, path: path)
    let keys = Keys(architecture)
    self.architecture = architecture
    hiddenSize = try reader.size(keys.hidden)
    intermediateSize = try reader.size(keys.intermediate)
    layerCount = try reader.size(keys.layers, limit: 1 << 14)
    headCount = try reader.size(keys.heads)
    vocabularySize = try reader.size("vocab_size")
    positionCount = try reader.size("max_position_embeddings", default: 512)
    typeCount =
      architecture == .distilbert
      ? 0 : try reader.size("type_vocab_size", default: architecture == .bert ? 2 : 1)
    paddingToken = try reader.token(
      "pad_token_id", default: architecture == .roberta ? 1 : 0, below: vocabularySize)
    normEpsilon =
      architecture == .distilbert ? 1e-12 : try reader.normEpsilon("layer_norm_eps", default: 1e-12)
    initializerRange = Float(try reader.positive("initializer_range", default: 0.02))
    hiddenDropout = try reader.share(keys.hiddenDropout, default: 0.1)
    attentionDropout = try reader.share(keys.attentionDropout, default: 0.1)
    headDropout = try reader.share(
      keys.headDropout, default: architecture == .distilbert ? 0.2 : hiddenDropout)
    try checkSupport(reader, keys)
  }

  private func checkSupport(_ reader: ConfigurationReader, _ keys: Keys) throws(ModelError) {
    guard hiddenSize % headCount == 0 else {
      throw reader.fault(
        "\(keys.hidden) (\(hiddenSize)) is no multiple of \(keys.heads) (\(headCount))")
    }
    guard longestSequence > 0 else {
      throw reader.fault(
        "max_position_embeddings (\(positionCount)) leaves no position for a token")
    }
    guard architecture != .roberta || paddingToken != nil else {
      throw reader.fault("pad_token_id is null; RoBERTa counts its positions from it")
    }
    let activation = reader.json[keys.activation]?.stringValue ?? "gelu"
    guard activation == "gelu" else {
      throw reader.unsupported("\(keys.activation) is \(activation); only gelu is computed")
    }
    let positions = reader.json["position_embedding_type"]?.stringValue ?? "absolute"
    guard positions == "absolute" else {
      throw reader.unsupported(
        "position_embedding_type is \(positions); only absolute positions are computed")
    }
    for key in ["sinusoidal_pos_embds", "is_decoder", "add_cross_attention"]
    where reader.json[key]?.boolValue == true {
      throw reader.unsupported("\(key) is true; only encoders with trained positions are computed")
    }
    if let quantization = reader.json["quantization_config"], quantization != .null {
      throw reader.unsupported("quantization_config is set; use the unquantized weights")
    }
  }
}

/// What the families call the same thing.
private struct Keys {
  let hidden: String, intermediate: String, layers: String, heads: String, activation: String
  let hiddenDropout: String, attentionDropout: String, headDropout: String

  init(_ architecture: EncoderConfiguration.Architecture) {
    let isDistilled = architecture == .distilbert
    hidden = isDistilled ? "dim" : "hidden_size"
    intermediate = isDistilled ? "hidden_dim" : "intermediate_size"
    layers = isDistilled ? "n_layers" : "num_hidden_layers"
    heads = isDistilled ? "n_heads" : "num_attention_heads"
    activation = isDistilled ? "activation" : "hidden_act"
    hiddenDropout = isDistilled ? "dropout" : "hidden_dropout_prob"
    attentionDropout = isDistilled ? "attention_dropout" : "attention_probs_dropout_prob"
    headDropout = isDistilled ? "seq_classif_dropout" : "classifier_dropout"
  }
}

extension ConfigurationReader {
  /// A number in 0..<1; the fallback where it is absent or null.
  fileprivate func share(_ key: String, default fallback: Float) throws(ModelError) -> Float {
    guard let value = json[key], value != .null else { return fallback }
    guard let number = value.doubleValue, (0..<1).contains(number) else {
      throw fault("\(key) must be at least 0 and less than 1")
    }
    return Float(number)
  }

  /// The id of a token, or nil where it is null.
  fileprivate func token(
    _ key: String, default fallback: Int, below limit: Int
  ) throws(ModelError) -> Int? {
    guard let value = json[key] else { return fallback }
    if value == .null { return nil }
    guard let id = value.intValue, (0..<limit).contains(id) else {
      throw fault("\(key) must be a token's id, from 0 to \(limit - 1)")
    }
    return id
  }
}
