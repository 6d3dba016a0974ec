internal import Model

/// The published sizes of a model, from which a config.json follows.
struct ModelShape: Sendable {
  let name: String
  let architecture: QwenConfiguration.Architecture
  let hidden: Int, intermediate: Int, layers: Int
  let heads: Int, kvHeads: Int, headSize: Int
  let vocabulary: Int
  let isTied: Bool
  var theta = 1_000_000.0
  var epsilon = 1e-6
  var contextLength = 32768

  /// Sizes from the config.json of each model's page.
  static let all = [
    ModelShape(
      name: "qwen2.5-0.5b", architecture: .qwen2, hidden: 896, intermediate: 4864, layers: 24,
      heads: 14, kvHeads: 2, headSize: 64, vocabulary: 151936, isTied: true),
    ModelShape(
      name: "qwen2.5-1.5b", architecture: .qwen2, hidden: 1536, intermediate: 8960, layers: 28,
      heads: 12, kvHeads: 2, headSize: 128, vocabulary: 151936, isTied: true),
    ModelShape(
      name: "qwen2.5-3b", architecture: .qwen2, hidden: 2048, intermediate: 11008, layers: 36,
      heads: 16, kvHeads: 2, headSize: 128, vocabulary: 151936, isTied: true),
    ModelShape(
      name: "qwen2.5-7b", architecture: .qwen2, hidden: 3584, intermediate: 18944, layers: 28,
      heads: 28, kvHeads: 4, headSize: 128, vocabulary: 152064, isTied: false),
    ModelShape(
      name: "qwen3-0.6b", architecture: .qwen3, hidden: 1024, intermediate: 3072, layers: 28,
      heads: 16, kvHeads: 8, headSize: 128, vocabulary: 151936, isTied: true,
      contextLength: 40960),
    ModelShape(
      name: "qwen3-1.7b", architecture: .qwen3, hidden: 2048, intermediate: 6144, layers: 28,
      heads: 16, kvHeads: 8, headSize: 128, vocabulary: 151936, isTied: true,
      contextLength: 40960),
    ModelShape(
      name: "qwen3-4b", architecture: .qwen3, hidden: 2560, intermediate: 9728, layers: 36,
      heads: 32, kvHeads: 8, headSize: 128, vocabulary: 151936, isTied: true,
      contextLength: 40960),
    ModelShape(
      name: "qwen3-8b", architecture: .qwen3, hidden: 4096, intermediate: 12288, layers: 36,
      heads: 32, kvHeads: 8, headSize: 128, vocabulary: 151936, isTied: false,
      contextLength: 40960),
    ModelShape(
      name: "smollm2-135m", architecture: .llama, hidden: 576, intermediate: 1536, layers: 30,
      heads: 9, kvHeads: 3, headSize: 64, vocabulary: 49152, isTied: true, theta: 100_000,
      epsilon: 1e-5, contextLength: 8192),
  ]

  /// config.json, with another number of layers where one is given.
  func configuration(layers: Int?) -> JSONValue {
    .object([
      "architectures": .array([.string(Self.classes[architecture] ?? "")]),
      "model_type": .string(architecture.rawValue), "hidden_size": .integer(hidden),
      "intermediate_size": .integer(intermediate),
      "num_hidden_layers": .integer(layers ?? self.layers), "num_attention_heads": .integer(heads),
      "num_key_value_heads": .integer(kvHeads), "head_dim": .integer(headSize),
      "vocab_size": .integer(vocabulary), "tie_word_embeddings": .bool(isTied),
      "rms_norm_eps": .double(epsilon), "rope_theta": .double(theta),
      "max_position_embeddings": .integer(contextLength), "hidden_act": .string("silu"),
      "torch_dtype": .string("bfloat16"),
    ])
  }

  private static let classes: [QwenConfiguration.Architecture: String] = [
    .qwen2: "Qwen2ForCausalLM", .qwen3: "Qwen3ForCausalLM", .llama: "LlamaForCausalLM",
  ]
}
