import Foundation
import Model
import TestSupport
import Testing

/// A model folder is read completely or refused with a sentence; nothing in it may stop the program.
struct ModelFolderTests {
  private static let weights = "model.safetensors"
  private static let index = "model.safetensors.index.json"

  /// Everything that a run does with a model folder before it computes.
  private func open(_ folder: String) throws {
    let configuration = try QwenConfiguration(modelFolder: folder)
    let layout = AdapterLayout(
      configuration,
      LoRAConfiguration(rank: 16, alpha: 16, dropout: 0, targets: Projection.allCases))
    #expect(configuration.parameterCount > 0 && layout.count > 0)
    _ = try WeightLoader.load(
      WeightFolder(path: folder), configuration, layout: layout, longestSequence: 8)
  }

  @Test(arguments: ["qwen2", "qwen3", "llama"], [true, false])
  func `a sound folder opens, in one file or in shards`(type: String, isTied: Bool) throws {
    let tiny = try TinyQwen(type: type, layers: 1, tied: isTied)
    #expect(throws: Never.self) { try open(tiny.folder) }
    try Self.shard(tiny.folder)
    #expect(throws: Never.self) { try open(tiny.folder) }
  }

  // MARK: config.json

  private static func config(
    _ key: String, _ value: JSONValue?, _ fragment: String, _ code: ModelError.Code = .invalid
  ) -> ModelDamage {
    .setting(key, value, in: "config.json", code, fragment)
  }

  private static let sizeKeys = [
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "head_dim", "vocab_size",
  ]
  private static let badSizes: [JSONValue] = [
    .integer(0), .integer(-4), .integer(1 << 40), .integer(.max), .double(8.0), .double(1e300),
    .string("8"), .bool(true), .array([]),
  ]
  static let sizes: [ModelDamage] = sizeKeys.flatMap { key in
    badSizes.map { config(key, $0, "\(key) must be a whole number") }
  }

  static let settings: [ModelDamage] = [
    config("model_type", nil, "model_type is none", .unsupported),
    config("model_type", .string("mistral"), "model_type is mistral", .unsupported),
    config("model_type", .string("Qwen2"), "model_type is Qwen2", .unsupported),
    config("model_type", .integer(2), "model_type is none", .unsupported),
    config("hidden_size", nil, "hidden_size must be"),
    config("vocab_size", .null, "vocab_size must be"),
    config("num_hidden_layers", .integer(3), "model.layers.2."),
    config("num_hidden_layers", .integer(1), "do not belong"),
    config("num_hidden_layers", .integer(1 << 14), "is missing"),
    config("vocab_size", .integer(1 << 22), "model.embed_tokens.weight has shape"),
    config("hidden_size", .integer(1 << 22), "has shape"),
    config("intermediate_size", .integer(1 << 22), "has shape"),
    config("num_attention_heads", .integer(1 << 22), "is too large"),
    config("head_dim", .integer(1 << 22), "is too large"),
    config("num_attention_heads", .integer(3), "no multiple of num_key_value_heads"),
    config("num_key_value_heads", .integer(3), "no multiple of num_key_value_heads"),
    config("num_key_value_heads", .integer(8), "no multiple of num_key_value_heads"),
    config("num_key_value_heads", nil, "has shape"), config("head_dim", .integer(7), "is odd"),
    config("head_dim", .integer(6), "has shape"),
    config("rms_norm_eps", .integer(0), "rms_norm_eps must be positive"),
    config("rms_norm_eps", .double(1e-60), "in the range of 32-bit floats"),
    config("rms_norm_eps", .double(1e60), "in the range of 32-bit floats"),
    config("rms_norm_eps", .string("1e-6"), "rms_norm_eps must be positive"),
    config("rope_theta", .integer(-1), "rope_theta must be positive"),
    config("rope_theta", .null, "rope_theta must be positive"),
    config("rope_parameters", .object(["rope_theta": .string("x")]), "rope_theta must be positive"),
    config("rope_parameters", .integer(1), "rope_parameters is not an object"),
    config("rope_scaling", .string("linear"), "rope_scaling is not an object"),
    config(
      "rope_scaling", .object(["type": .string("linear"), "factor": .integer(2)]), "linear",
      .unsupported),
    config(
      "rope_scaling", .object(["rope_type": .string("yarn"), "factor": .integer(4)]), "yarn",
      .unsupported),
    config("rope_parameters", .object(["rope_type": .string("llama3")]), "llama3", .unsupported),
    config(
      "rope_parameters", .object(["full_attention": .object(["rope_theta": .integer(5)])]),
      "kind of layer", .unsupported),
    config(
      "rope_parameters", .object(["partial_rotary_factor": .double(0.5)]), "part of each head",
      .unsupported),
    config("hidden_act", .string("gelu"), "hidden_act is gelu", .unsupported),
    config("use_sliding_window", .bool(true), "use_sliding_window", .unsupported),
    config(
      "layer_types", .array([.string("full_attention"), .string("sliding_attention")]),
      "sliding_attention", .unsupported),
    config("attention_bias", .bool(true), "attention_bias", .unsupported),
    config("mlp_bias", .bool(true), "mlp_bias", .unsupported),
    config(
      "quantization_config", .object(["bits": .integer(4)]), "quantization_config", .unsupported),
    config("tie_word_embeddings", .bool(false), "lm_head.weight is missing"),
    .file("config.json", "is cut off", .invalid, "config.json: line") { $0.removeLast(3) },
    .file("config.json", "is not JSON", .invalid, "line 1") { $0 = Array("hidden: 8".utf8) },
    .file("config.json", "is not UTF-8", .invalid, "UTF-8") { $0.insert(0xC0, at: 20) },
    .file("config.json", "is an array", .unsupported, "model_type") { $0 = Array("[]".utf8) },
  ]

  @Test(
    arguments: sizes + settings
      + ModelDamage.kinds(of: "config.json", missing: "config.json: No such file"))
  func `a config that does not describe a computable model is refused`(damage: ModelDamage) throws {
    let tiny = try TinyQwen(type: "qwen3")
    try damage.check(tiny.folder, open: open)
    withExtendedLifetime(tiny) {}
  }

  @Test func `a hidden size that heads do not divide needs head_dim`() throws {
    let tiny = try TinyQwen(type: "llama", hidden: 34, layers: 1)
    #expect(throws: Never.self) { try open(tiny.folder) }
    try ModelDamage.setting(
      "head_dim", nil, in: "config.json", .invalid, "head_dim must be a whole number"
    ).check(tiny.folder, open: open)
  }

  @Test(arguments: ["attention_bias", "use_sliding_window", "rope_scaling", "layer_types"])
  func `settings that ask for nothing unusual are accepted`(key: String) throws {
    let tiny = try TinyQwen(layers: 1)
    let value: [String: JSONValue] = [
      "attention_bias": .bool(false), "use_sliding_window": .bool(false), "rope_scaling": .null,
      "layer_types": .array([.string("full_attention")]),
    ]
    try ModelDamage.setting(key, value[key], in: "config.json", .invalid, "").apply(tiny.folder)
    #expect(throws: Never.self) { try open(tiny.folder) }
  }

  // MARK: Weights

  static let weightDamages: [ModelDamage] = [
    .file(weights, "is cut off", .invalid, "truncated") { $0.removeLast(5) },
    .tensors(weights, "lacks the embedding", .invalid, "embed_tokens.weight is missing") {
      $0.removeAll { $0.name == "model.embed_tokens.weight" }
    },
    .tensors(weights, "lacks a bias", .invalid, "k_proj.bias is missing") {
      $0.removeAll { $0.name == "model.layers.1.self_attn.k_proj.bias" }
    },
    .tensors(weights, "lacks the final norm", .invalid, "model.norm.weight is missing") {
      $0.removeAll { $0.name == "model.norm.weight" }
    },
    .tensors(weights, "has no tensor", .invalid, "is missing") { $0 = [] },
    .tensors(weights, "has a tensor more", .invalid, "such as model.layers.0.self_attn.o_proj.bias")
    { $0.append(.init("model.layers.0.self_attn.o_proj.bias", "F32", [0], [])) },
    .tensors(weights, "has a transposed matrix", .invalid, "has shape [32, 48]") { tensors in
      for index in tensors.indices where tensors[index].shape == [48, 32] {
        tensors[index].shape = [32, 48]
      }
    },
    .tensors(weights, "has a vector as a matrix", .invalid, "model.norm.weight has shape [1, 32]") {
      tensors in
      for index in tensors.indices where tensors[index].name == "model.norm.weight" {
        tensors[index].shape = [1, 32]
      }
    },
    .tensors(weights, "has an empty matrix", .invalid, "has shape [0]") { tensors in
      tensors[0].shape = [0]
      tensors[0].bytes = []
    },
    .image(weights, "has integers", .unsupported, "type I32") { try $0.edit("F32", "I32") },
  ]

  @Test(
    arguments: weightDamages
      + ModelDamage.kinds(of: weights, missing: "neither model.safetensors nor"))
  func `weights that do not fit the config are refused`(damage: ModelDamage) throws {
    let tiny = try TinyQwen()
    try damage.check(tiny.folder, open: open)
    withExtendedLifetime(tiny) {}
  }

  @Test func `rotary frequencies and a repeated tied head may be left over`() throws {
    let tiny = try TinyQwen()
    let path = tiny.folder + "/" + Self.weights
    var tensors = try SafetensorsImage(path: path).tensors()
    tensors.append(.init("model.layers.0.self_attn.rotary_emb.inv_freq", "F32", [0], []))
    tensors.append(.init("lm_head.weight", "F32", [0], []))
    try SafetensorsImage(tensors).write(to: path)
    #expect(throws: Never.self) { try open(tiny.folder) }
  }

  // MARK: Shards

  /// Moves the tensors into three shards and writes their index.
  private static func shard(_ folder: String) throws {
    let tensors = try SafetensorsImage(path: folder + "/" + weights).tensors()
    var map = JSONObject()
    for part in 0..<3 {
      let own = tensors.indices.filter { $0 % 3 == part }.map { tensors[$0] }
      try SafetensorsImage(own).write(to: folder + "/part-\(part).safetensors")
      for tensor in own { map[tensor.name] = .string("part-\(part).safetensors") }
    }
    let json: JSONObject = ["metadata": .object([:]), "weight_map": .object(map)]
    try Data(JSONValue.object(json).text().utf8).write(to: URL(filePath: folder + "/" + index))
    try FileManager.default.removeItem(atPath: folder + "/" + weights)
  }

  /// The index with one entry set.
  private static func map(
    _ tensor: String, _ value: JSONValue, _ code: ModelError.Code, _ fragment: String
  ) -> ModelDamage {
    ModelDamage("weight_map: \(tensor) in \(value.text())", code, fragment) { folder in
      let old = try GoldenCase.json(folder + "/" + index)
      var map = old["weight_map"]?.objectValue ?? JSONObject()
      map[tensor] = value
      let json: JSONObject = ["weight_map": .object(map)]
      try Data(JSONValue.object(json).text().utf8).write(to: URL(filePath: folder + "/" + index))
    }
  }

  private static let norm = "model.norm.weight"
  static let shardDamages: [ModelDamage] = [
    map(norm, .string("part-7.safetensors"), .missing, "part-7.safetensors: No such file"),
    map(norm, .string("../part-1.safetensors"), .invalid, "not the name of a file beside it"),
    map(norm, .string("/tmp/part-1.safetensors"), .invalid, "not the name of a file beside it"),
    map(norm, .string("part-1.bin"), .invalid, "not the name of a file beside it"),
    map(norm, .string("part-1.bin\0.safetensors"), .invalid, "not the name of a file beside it"),
    map(norm, .string("..\\part-1.safetensors"), .missing, "No such file"),
    map(norm, .string(".."), .invalid, "not the name of a file beside it"),
    map(norm, .string(""), .invalid, "not the name of a file beside it"),
    map(norm, .integer(1), .invalid, "not the name of a file beside it"),
    map("model.none", .string("part-1.safetensors"), .invalid, "model.none is not in part-1"),
    .setting("weight_map", nil, in: index, .invalid, "weight_map is missing"),
    .setting("weight_map", .object([:]), in: index, .invalid, "weight_map is missing or empty"),
    .setting("weight_map", .array([]), in: index, .invalid, "weight_map is missing"),
    .file(index, "is not JSON", .invalid, "line 1") { $0 = Array("part".utf8) },
    .file("part-1.safetensors", "is cut off", .invalid, "truncated") { $0.removeLast() },
    .tensors("part-1.safetensors", "holds another shard's tensor", .invalid, "is in two shards") {
      $0.append(.init("model.embed_tokens.weight", "F32", [0], []))
    },
    .tensors("part-1.safetensors", "lacks a tensor of the index", .invalid, "is not in part-1") {
      $0.removeLast()
    },
    .tensors("part-1.safetensors", "has a tensor more", .invalid, "such as model.more") {
      $0.append(.init("model.more", "F32", [0], []))
    },
    ModelDamage("two shards are swapped", .invalid, "is not in part-") { folder in
      let (one, two) = (folder + "/part-1.safetensors", folder + "/part-2.safetensors")
      try FileManager.default.moveItem(atPath: one, toPath: folder + "/other")
      try FileManager.default.moveItem(atPath: two, toPath: one)
      try FileManager.default.moveItem(atPath: folder + "/other", toPath: two)
    },
  ]

  @Test func `shards may be links, as in the cache of Hugging Face's hub`() throws {
    let tiny = try TinyQwen()
    try Self.shard(tiny.folder)
    let blobs = try TemporaryFolder()
    let shard = tiny.folder + "/part-1.safetensors"
    try FileManager.default.moveItem(atPath: shard, toPath: blobs.path + "/0a1b")
    try FileManager.default.createSymbolicLink(
      atPath: shard, withDestinationPath: blobs.path + "/0a1b")
    #expect(throws: Never.self) { try open(tiny.folder) }
  }

  @Test(
    arguments: shardDamages
      + ModelDamage.kinds(of: index, missing: "neither model.safetensors nor")
      + ModelDamage.kinds(of: "part-2.safetensors", missing: "part-2.safetensors: No such file"))
  func `shards that do not fit their index are refused`(damage: ModelDamage) throws {
    let tiny = try TinyQwen()
    try Self.shard(tiny.folder)
    try damage.check(tiny.folder, open: open)
    withExtendedLifetime(tiny) {}
  }
}
