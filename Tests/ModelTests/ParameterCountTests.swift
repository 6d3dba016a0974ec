import Model
import TestSupport
import Testing

/// The dense Qwen models: sizes as published, parameters as counted from the published shapes.
struct ParameterCountTests {
  struct Row: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let type: String
    let hidden: Int, layers: Int, heads: Int, kvHeads: Int, headSize: Int, intermediate: Int
    let vocabulary: Int
    let isTied: Bool
    let base: Int, adapter: Int

    init(
      _ name: String, _ type: String, _ hidden: Int, _ layers: Int, _ heads: Int, _ kvHeads: Int,
      _ headSize: Int, _ intermediate: Int, _ vocabulary: Int, tied: Bool, base: Int, adapter: Int
    ) {
      testDescription = name
      self.type = type
      self.hidden = hidden
      self.layers = layers
      self.heads = heads
      self.kvHeads = kvHeads
      self.headSize = headSize
      self.intermediate = intermediate
      self.vocabulary = vocabulary
      isTied = tied
      self.base = base
      self.adapter = adapter
    }

    /// Reads the config.json that the row describes; Qwen2.5's has no head_dim.
    func configuration() throws -> QwenConfiguration {
      var json: JSONObject = [
        "model_type": .string(type), "hidden_size": .integer(hidden),
        "num_hidden_layers": .integer(layers), "num_attention_heads": .integer(heads),
        "num_key_value_heads": .integer(kvHeads), "intermediate_size": .integer(intermediate),
        "vocab_size": .integer(vocabulary), "tie_word_embeddings": .bool(isTied),
        "rope_theta": .double(1e6), "rms_norm_eps": .double(1e-6), "hidden_act": .string("silu"),
        "use_sliding_window": .bool(false), "sliding_window": .integer(32768),
      ]
      if type == "qwen3" {
        json["head_dim"] = .integer(headSize)
        json["attention_bias"] = .bool(false)
        json["rope_scaling"] = .null
      }
      let folder = try TemporaryFolder()
      try folder.write(Array(JSONValue.object(json).text().utf8), to: "config.json")
      return try QwenConfiguration(modelFolder: folder.path)
    }

    func adapterCount(rank: Int, _ targets: [Projection] = Projection.allCases) throws -> Int {
      AdapterLayout(
        try configuration(),
        LoRAConfiguration(rank: rank, alpha: 16, dropout: 0, targets: targets)
      ).count
    }
  }

  static let rows = [
    Row(
      "Qwen2.5-0.5B", "qwen2", 896, 24, 14, 2, 64, 4864, 151936, tied: true, base: 494_032_768,
      adapter: 8_798_208),
    Row(
      "Qwen2.5-1.5B", "qwen2", 1536, 28, 12, 2, 128, 8960, 151936, tied: true,
      base: 1_543_714_304, adapter: 18_464_768),
    Row(
      "Qwen2.5-3B", "qwen2", 2048, 36, 16, 2, 128, 11008, 151936, tied: true,
      base: 3_085_938_688, adapter: 29_933_568),
    Row(
      "Qwen2.5-7B", "qwen2", 3584, 28, 28, 4, 128, 18944, 152064, tied: false,
      base: 7_615_616_512, adapter: 40_370_176),
    Row(
      "Qwen3-0.6B", "qwen3", 1024, 28, 16, 8, 128, 3072, 151936, tied: true, base: 596_049_920,
      adapter: 10_092_544),
    Row(
      "Qwen3-1.7B", "qwen3", 2048, 28, 16, 8, 128, 6144, 151936, tied: true,
      base: 1_720_574_976, adapter: 17_432_576),
    Row(
      "Qwen3-4B", "qwen3", 2560, 36, 32, 8, 128, 9728, 151936, tied: true, base: 4_022_468_096,
      adapter: 33_030_144),
    Row(
      "Qwen3-8B", "qwen3", 4096, 36, 32, 8, 128, 12288, 151936, tied: false,
      base: 8_190_735_360, adapter: 43_646_976),
  ]

  @Test(arguments: rows)
  func `base and adapter have the published numbers of parameters`(row: Row) throws {
    let configuration = try row.configuration()
    #expect(configuration.headSize == row.headSize)
    #expect(configuration.parameterCount == row.base)
    #expect(try row.adapterCount(rank: 16) == row.adapter)
    #expect(try row.adapterCount(rank: 32) == 2 * row.adapter)
    let single = try Projection.allCases.map { try row.adapterCount(rank: 16, [$0]) }
    #expect(single.reduce(0, +) == row.adapter)
  }

  @Test(arguments: [("Qwen2.5-7B", 7_655_986_688), ("Qwen3-8B", 8_234_382_336)])
  func `base and adapter together have the published total`(name: String, total: Int) throws {
    let row = try #require(Self.rows.first { $0.testDescription == name })
    #expect(try row.configuration().parameterCount + row.adapterCount(rank: 16) == total)
  }

  @Test func `a model's count is that of its tensors`() throws {
    for (type, isTied) in [("qwen2", true), ("qwen3", false), ("llama", true)] {
      let tiny = try TinyQwen(type: type, tied: isTied)
      let file = try SafetensorsFile(path: tiny.folder + "/model.safetensors")
      #expect(
        tiny.configuration.parameterCount == file.tensors.values.map(\.count).reduce(0, +))
    }
  }
}
