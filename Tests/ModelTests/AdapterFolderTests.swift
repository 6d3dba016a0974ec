import Glibc
import Model
import TestSupport
import Testing

struct AdapterFolderTests {
  private static let config = "adapter_config.json"
  private static let weights = "adapter_model.safetensors"
  private static let prefix = "base_model.model.model.layers."

  /// A folder with an adapter of rank 3 on four projections, and the model it belongs to.
  private struct Sample {
    let folder: TemporaryFolder
    let model: QwenConfiguration
    let layout: AdapterLayout
    let parameters: [Float]

    init(alpha: Float = 6, dropout: Float = 0.1) throws {
      model = try TinyQwen().configuration
      layout = AdapterLayout(
        model,
        LoRAConfiguration(
          rank: 3, alpha: alpha, dropout: dropout, targets: [.query, .value, .output, .down]))
      parameters = randomValues(layout.count, seed: 4)
      folder = try TemporaryFolder()
      for (name, bytes) in AdapterFolder.files(parameters, layout, baseModel: "some/base") {
        try folder.write(bytes, to: name)
      }
    }

    func open(_ path: String) throws -> [Float] {
      let adapter = try AdapterFolder(path: path)
      return try adapter.parameters(AdapterLayout(model, adapter.configuration))
    }
  }

  @Test(arguments: [(Float(6), Float(0.1)), (16, 0), (0.5, 0.05), (2.7, 0.3)])
  func `what was written is read back to the bit`(alpha: Float, dropout: Float) throws {
    let sample = try Sample(alpha: alpha, dropout: dropout)
    let adapter = try AdapterFolder(path: sample.folder.path)
    #expect(adapter.configuration == sample.layout.configuration)
    #expect(adapter.baseModel == "some/base")
    #expect(try sample.open(sample.folder.path) == sample.parameters)
    #expect(adapter.shapes.count == sample.layout.tensors.count)
  }

  private static func setting(
    _ key: String, _ value: JSONValue?, _ fragment: String,
    _ code: ModelError.Code = .unsupported
  ) -> ModelDamage {
    .setting(key, value, in: config, code, fragment)
  }
  private static func targets(_ names: String...) -> JSONValue {
    .array(names.map(JSONValue.string))
  }

  static let configurations: [ModelDamage] = [
    setting("peft_type", nil, "peft_type is not LORA"),
    setting("peft_type", .string("IA3"), "peft_type is not LORA"),
    setting("use_dora", .bool(true), "use_dora"), setting("use_rslora", .bool(true), "use_rslora"),
    setting("use_qalora", .bool(true), "use_qalora"),
    setting("fan_in_fan_out", .bool(true), "fan_in_fan_out"),
    setting("lora_bias", .bool(true), "lora_bias"),
    setting("alora_invocation_tokens", .array([.integer(5)]), "alora_invocation_tokens"),
    setting("init_lora_weights", .string("pissa"), "init_lora_weights is pissa"),
    setting("init_lora_weights", .string("pissa_niter_4"), "init_lora_weights is pissa_niter_4"),
    setting("init_lora_weights", .string("loftq"), "init_lora_weights is loftq"),
    setting("rank_pattern", .object(["q_proj": .integer(8)]), "rank_pattern is not empty"),
    setting("alpha_pattern", .object(["q_proj": .integer(8)]), "alpha_pattern is not empty"),
    setting("r", nil, "r and lora_alpha"), setting("r", .integer(0), "r and lora_alpha"),
    setting("r", .integer(-3), "r and lora_alpha"), setting("r", .double(3.0), "r and lora_alpha"),
    setting("r", .integer(.max), "r and lora_alpha"),
    setting("r", .integer(4), "has shape [32, 3], the model needs [32, 4]", .invalid),
    setting("r", .integer(1 << 16), "the model needs", .invalid),
    setting("lora_alpha", nil, "r and lora_alpha"),
    setting("lora_alpha", .integer(0), "r and lora_alpha"),
    setting("lora_alpha", .string("16"), "r and lora_alpha"),
    setting("lora_alpha", .double(1e300), "r and lora_alpha"),
    setting("lora_dropout", .integer(1), "lora_dropout"),
    setting("lora_dropout", .double(-0.1), "lora_dropout"),
    setting("lora_dropout", .double(0.99999999999), "lora_dropout"),
    setting("lora_dropout", .string("0.1"), "lora_dropout"),
    setting("target_modules", nil, "target_modules"),
    setting("target_modules", .object([:]), "target_modules"),
    setting("target_modules", .array([]), "target_modules"),
    setting("target_modules", .array([.integer(1)]), "target module 1 is no projection"),
    setting("target_modules", targets("q_proj", "lm_head"), "target module lm_head"),
    setting("target_modules", targets("q_proj", "mlp.v_proj"), "target module mlp.v_proj"),
    setting("target_modules", targets("q_proj", "xq_proj"), "target module xq_proj"),
    setting("target_modules", targets("q_proj", "v_proj."), "target module v_proj."),
    setting(
      "target_modules", targets("model.layers.0.self_attn.q_proj"), "does not belong", .invalid),
    setting("target_modules", targets("q_proj", "v_proj"), "does not belong", .invalid),
    setting(
      "target_modules", targets("q_proj", "k_proj", "v_proj", "o_proj", "down_proj"),
      "k_proj.lora_B.weight is missing", .invalid),
    .file(config, "is cut off", .invalid, "adapter_config.json: line") { $0.removeLast(5) },
    .file(config, "is an array", .unsupported, "peft_type") { $0 = Array("[]".utf8) },
  ]

  static let tensors: [ModelDamage] = [
    .tensors(
      weights, "lacks a tensor", .invalid, "\(prefix)0.self_attn.q_proj.lora_A.weight is missing"
    ) { $0.removeAll { $0.name == prefix + "0.self_attn.q_proj.lora_A.weight" } },
    .tensors(weights, "lacks a layer", .invalid, "on all layers are computed") {
      $0.removeAll { $0.name.hasPrefix(prefix + "1.") }
    },
    .tensors(weights, "has a tensor more", .invalid, "base_model.model.lm_head.lora_A.weight") {
      $0.append(.init("base_model.model.lm_head.lora_A.weight", "F32", [0], []))
    },
    .tensors(weights, "has a layer more", .invalid, "\(prefix)2.self_attn.q_proj.lora_A.weight") {
      $0.append(.init(prefix + "2.self_attn.q_proj.lora_A.weight", "F32", [0], []))
    },
    .tensors(weights, "has another name's form", .invalid, "does not belong") {
      $0[0].name = $0[0].name.replacing(".weight", with: ".default.weight")
    },
    .tensors(weights, "has a transposed matrix", .invalid, "has shape") {
      $0[0].shape.reverse()
    },
    .tensors(weights, "has a flat matrix", .invalid, "has shape") {
      $0[0].shape = [$0[0].shape.reduce(1, *)]
    },
    .image(weights, "is of another type", .unsupported, "type F64") { try $0.edit("F32", "F64") },
    .file(weights, "is cut off", .invalid, "truncated") { $0.removeLast() },
    ModelDamage("\(weights) has a tensor of a terabyte", .invalid, "more than any adapter") {
      let entry = #"{"dtype": "F32", "shape": [\#(1 << 38)], "data_offsets": [0, \#(1 << 40)]}"#
      var image = SafetensorsImage([])
      image.setHeader(Array(#"{"\#(prefix)0.self_attn.q_proj.lora_A.weight": \#(entry)}"#.utf8))
      let path = $0 + "/" + weights
      try image.write(to: path)
      try #require(unsafe truncate(path, (1 << 40) + image.bytes.count) == 0)
    },
    .file(weights, "has a byte more", .invalid, "bytes more") { $0.append(0) },
  ]

  @Test(
    arguments: configurations + tensors
      + ModelDamage.kinds(of: config, missing: "adapter_config.json: No such file")
      + ModelDamage.kinds(of: weights, missing: "adapter_model.safetensors: No such file"))
  func `an adapter that cannot be computed is refused`(damage: ModelDamage) throws {
    let sample = try Sample()
    try damage.check(sample.folder.path) { _ = try sample.open($0) }
  }

  @Test(
    arguments: [
      ("init_lora_weights", .bool(false)), ("init_lora_weights", .string("gaussian")),
      ("alora_invocation_tokens", .null), ("rank_pattern", .object([:])), ("use_dora", .null),
      ("target_modules", targets("down_proj", "q_proj", "o_proj", "v_proj", "q_proj")),
      ("target_modules", targets("mlp.down_proj", "self_attn.q_proj", "o_proj", "v_proj")),
      (
        "target_modules",
        .array(
          (0..<2).flatMap { layer in
            ["self_attn.q_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.down_proj"].map {
              .string("model.layers.\(layer).\($0)")
            }
          })
      ),
      ("target_modules", .string("all-linear")),
      ("target_modules", .string(#".*(self_attn\.(q|v|o)|mlp\.down)_proj"#)),
      ("a_key_of_tomorrow", .integer(1)),
    ] as [(String, JSONValue)])
  func `settings that change nothing are accepted`(key: String, value: JSONValue) throws {
    let sample = try Sample()
    try ModelDamage.setting(key, value, in: Self.config, .invalid, "").apply(sample.folder.path)
    #expect(try sample.open(sample.folder.path) == sample.parameters)
  }

  @Test(arguments: [JSONValue.array([.string("up_proj")]), .string(".*up_proj")])
  func `modules that are listed and excluded need no tensors`(excluded: JSONValue) throws {
    let sample = try Sample()
    let names = ["q_proj", "v_proj", "o_proj", "up_proj", "down_proj"]
    for (key, value) in [
      ("target_modules", .array(names.map(JSONValue.string))), ("exclude_modules", excluded),
    ] {
      try ModelDamage.setting(key, value, in: Self.config, .invalid, "").apply(sample.folder.path)
    }
    #expect(try sample.open(sample.folder.path) == sample.parameters)
  }

  @Test(arguments: [ElementType.float16, .bfloat16])
  func `16-bit adapters are widened`(type: ElementType) throws {
    let sample = try Sample()
    let path = sample.folder.path + "/" + Self.weights
    let tensors = sample.layout.tensors.map { tensor in
      SafetensorsImage.Tensor(
        "base_model.model." + tensor.name, type.rawValue, [tensor.rows, tensor.columns],
        Array(sample.parameters[tensor.range]).encoded(as: type))
    }
    try SafetensorsImage(tensors).write(to: path)
    let bound: Double = type == .float16 ? 0x1p-11 : 0x1p-8
    #expect(relativeError(try sample.open(sample.folder.path), sample.parameters) < bound)
  }

  @Test func `a fresh adapter has B zero and A within its bound, the same for the same seed`()
    throws
  {
    let layout = try Sample().layout
    let values = FloatBuffer(freshAdapter: layout, seed: 7).array()
    for tensor in layout.tensors {
      let part = values[tensor.range]
      if tensor.name.contains("lora_B") {
        #expect(part.allSatisfy { $0 == 0 })
      } else {
        let bound = 1 / Float(tensor.columns).squareRoot()
        #expect(part.allSatisfy { abs($0) <= bound } && part.contains { abs($0) > bound / 2 })
        #expect(Set(part).count > part.count / 2)
      }
    }
    #expect(values == FloatBuffer(freshAdapter: layout, seed: 7).array())
    #expect(values != FloatBuffer(freshAdapter: layout, seed: 8).array())
  }
}
