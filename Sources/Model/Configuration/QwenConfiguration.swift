/// The sizes and constants of a dense Qwen model, as its config.json gives them.
package struct QwenConfiguration: Sendable, Equatable {
  package enum Architecture: String, Sendable {
    case qwen2, qwen3
    /// Qwen2 without biases.
    case llama
  }
  package let architecture: Architecture
  package let hiddenSize: Int, intermediateSize: Int, layerCount: Int
  package let headCount: Int, kvHeadCount: Int, headSize: Int
  package let vocabularySize: Int
  package let normEpsilon: Float
  package let ropeTheta: Double
  /// The head multiplies with the embedding matrix.
  package let tiesEmbeddings: Bool

  package var hasProjectionBias: Bool { architecture == .qwen2 }
  package var hasHeadNorm: Bool { architecture == .qwen3 }
  package var querySize: Int { headCount * headSize }
  package var kvSize: Int { kvHeadCount * headSize }

  /// [out, in] of a projection.
  package func shape(of projection: Projection) -> (out: Int, in: Int) {
    switch projection {
    case .query: (querySize, hiddenSize)
    case .key, .value: (kvSize, hiddenSize)
    case .output: (hiddenSize, querySize)
    case .gate, .up: (intermediateSize, hiddenSize)
    case .down: (hiddenSize, intermediateSize)
    }
  }

  /// Parameters of the base model; a tied head counts once.
  package var parameterCount: Int {
    var block = 2 * hiddenSize + (hasHeadNorm ? 2 * headSize : 0)
    for projection in Projection.allCases {
      let shape = shape(of: projection)
      block += shape.out * shape.in
    }
    if hasProjectionBias { block += querySize + 2 * kvSize }
    let tables = (tiesEmbeddings ? 1 : 2) * vocabularySize * hiddenSize
    return layerCount * block + tables + hiddenSize
  }
}

extension QwenConfiguration {
  /// Reads `config.json` in a model folder; throws `ModelError` that names the key.
  package init(modelFolder: String) throws(ModelError) {
    let path = modelFolder + "/config.json"
    try self.init(json: JSONParser.parse(modelFile: path), path: path)
  }

  init(json: JSONValue, path: String) throws(ModelError) {
    let name = json["model_type"]?.stringValue ?? "none"
    guard let architecture = Architecture(rawValue: name) else {
      let advice =
        EncoderConfiguration.isEncoder(modelType: name)
        ? "an encoder, which train and evaluate take, but this does not"
        : "this program computes qwen2, qwen3 and llama, and bert, roberta and distilbert encoders"
      throw ModelError(.unsupported, "\(path): model_type is \(name); \(advice)")
    }
    let reader = ConfigurationReader(json: json, path: path)
    self.architecture = architecture
    hiddenSize = try reader.size("hidden_size")
    intermediateSize = try reader.size("intermediate_size")
    layerCount = try reader.size("num_hidden_layers", limit: 1 << 14)
    headCount = try reader.size("num_attention_heads")
    kvHeadCount = try reader.size("num_key_value_heads", default: headCount)
    headSize = try reader.size(
      "head_dim", default: hiddenSize % headCount == 0 ? hiddenSize / headCount : nil)
    vocabularySize = try reader.size("vocab_size")
    normEpsilon = try reader.normEpsilon()
    ropeTheta = try reader.ropeTheta()
    tiesEmbeddings = json["tie_word_embeddings"]?.boolValue ?? false
    try checkSupport(reader)
  }

  private func checkSupport(_ reader: ConfigurationReader) throws(ModelError) {
    guard headCount % kvHeadCount == 0 else {
      throw reader.fault(
        "num_attention_heads (\(headCount)) is no multiple of num_key_value_heads (\(kvHeadCount))")
    }
    guard headSize % 2 == 0 else { throw reader.fault("head_dim (\(headSize)) is odd") }
    guard querySize <= ConfigurationReader.largestSize else {
      throw reader.fault(
        "num_attention_heads (\(headCount)) times head_dim (\(headSize)) is too large")
    }
    if let activation = reader.json["hidden_act"]?.stringValue, activation != "silu" {
      throw reader.unsupported("hidden_act is \(activation); only silu is computed")
    }
    if reader.json["use_sliding_window"]?.boolValue == true {
      throw reader.unsupported("use_sliding_window is true; only full attention is computed")
    }
    let layerTypes = reader.json["layer_types"]?.arrayValue ?? []
    if let type = layerTypes.first(where: { $0 != .string("full_attention") }) {
      throw reader.unsupported(
        "layer_types has \(type.text()); only \"full_attention\" is computed")
    }
    if let quantization = reader.json["quantization_config"], quantization != .null {
      throw reader.unsupported("quantization_config is set; use the unquantized weights")
    }
    if reader.json["attention_bias"]?.boolValue == true && architecture != .qwen2 {
      throw reader.unsupported("attention_bias is true; \(architecture) is computed without biases")
    }
    if reader.json["mlp_bias"]?.boolValue == true {
      throw reader.unsupported("mlp_bias is true; MLP layers are computed without biases")
    }
  }
}

/// Typed reading of config.json, with errors that name file and key.
struct ConfigurationReader {
  let json: JSONValue
  let path: String
  /// Keeps every product of sizes that a model or an adapter has within 64 bits.
  static let largestSize = 1 << 22

  func fault(_ reason: String) -> ModelError { ModelError(.invalid, "\(path): \(reason)") }
  func unsupported(_ reason: String) -> ModelError {
    ModelError(.unsupported, "\(path): \(reason)")
  }

  /// A positive whole number of at most `limit`.
  func size(
    _ key: String, default fallback: Int? = nil, limit: Int = largestSize
  ) throws(ModelError) -> Int {
    let value = json[key]
    if value == nil || value == .null, let fallback, fallback > 0 { return fallback }
    guard let size = value?.intValue, size > 0, size <= limit else {
      throw fault("\(key) must be a whole number from 1 to \(limit)")
    }
    return size
  }

  func positive(_ key: String, default fallback: Double) throws(ModelError) -> Double {
    guard let value = json[key] else { return fallback }
    return try positive(key, value)
  }

  /// Computed with in 32 bits, where a number that is positive in 64 may be zero or infinite.
  func normEpsilon(
    _ key: String = "rms_norm_eps", default fallback: Double = 1e-6
  ) throws(ModelError) -> Float {
    let value = Float(try positive(key, default: fallback))
    guard value > 0, value.isFinite else {
      throw fault("\(key) must be positive and in the range of 32-bit floats")
    }
    return value
  }

  private func positive(_ key: String, _ value: JSONValue) throws(ModelError) -> Double {
    guard let number = value.doubleValue, number > 0 else { throw fault("\(key) must be positive") }
    return number
  }

  /// The base of the rotary angles, where either generation of config.json keeps it.
  func ropeTheta() throws(ModelError) -> Double {
    for key in ["rope_parameters", "rope_scaling"] {
      guard let value = json[key], value != .null else { continue }
      guard let scaling = value.objectValue else { throw fault("\(key) is not an object") }
      guard scaling.values.allSatisfy({ $0.objectValue == nil }) else {
        throw unsupported("\(key) differs by kind of layer; one kind of positions is computed")
      }
      guard (scaling["partial_rotary_factor"]?.doubleValue ?? 1) == 1 else {
        throw unsupported("\(key) rotates a part of each head; only whole heads are computed")
      }
      let type = (scaling["rope_type"] ?? scaling["type"])?.stringValue ?? "default"
      guard type == "default" else {
        throw unsupported("\(key) asks for \(type) positions; only default positions are computed")
      }
    }
    if let theta = json["rope_parameters"]?["rope_theta"] {
      return try positive("rope_theta", theta)
    }
    return try positive("rope_theta", default: 10_000)
  }
}
