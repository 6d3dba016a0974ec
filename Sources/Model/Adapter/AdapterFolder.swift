/// An adapter in PEFT's folder format: adapter_config.json and adapter_model.safetensors.
package struct AdapterFolder: Sendable {
  package let path: String
  package let configuration: LoRAConfiguration
  /// What the adapter was trained on, as its configuration says; empty where it does not say.
  package let baseModel: String
  private let file: SafetensorsFile
  /// No adapter comes near this; it keeps a sparse giant from filling the memory.
  private static let maximumBytes = 16 << 30
  private static let wrapper = "base_model.model."

  /// Opens the folder at `path`; throws `ModelError` for an adapter this program cannot compute.
  package init(path: String) throws(ModelError) {
    let configPath = path + "/adapter_config.json"
    let json = try JSONParser.parse(modelFile: configPath)
    file = try SafetensorsFile(path: path + "/adapter_model.safetensors")
    guard file.file.count <= Self.maximumBytes else {
      throw ModelError(
        .invalid,
        "\(file.file.path) has \(file.file.count) bytes, more than any adapter; is it a whole model?"
      )
    }
    configuration = try Self.configuration(json, configPath, tensors: file.tensors.keys.sorted())
    baseModel = json["base_model_name_or_path"]?.stringValue ?? ""
    self.path = path
  }

  private static func configuration(
    _ json: JSONValue, _ path: String, tensors: [String]
  ) throws(ModelError) -> LoRAConfiguration {
    let fault = { (reason: String) in ModelError(.unsupported, "\(path): \(reason)") }
    guard json["peft_type"]?.stringValue == "LORA" else { throw fault("peft_type is not LORA") }
    for key in ["use_dora", "use_rslora", "use_qalora", "fan_in_fan_out", "lora_bias"]
    where json[key]?.boolValue == true {
      throw fault("\(key) is true, which this program does not compute")
    }
    // Other ways to begin, such as PiSSA's, take the first A and B out of the base weights.
    if let start = json["init_lora_weights"]?.stringValue,
      !["gaussian", "orthogonal", "eva"].contains(start)
    {
      throw fault(
        "init_lora_weights is \(start), which changes the base; convert the adapter to plain LoRA")
    }
    if let invocation = json["alora_invocation_tokens"], invocation != .null {
      throw fault("alora_invocation_tokens is set; adapters that act on every token are computed")
    }
    for key in ["rank_pattern", "alpha_pattern"] where (json[key]?.objectValue?.count ?? 0) > 0 {
      throw fault("\(key) is not empty; one rank and one alpha for all modules are computed")
    }
    guard let rank = json["r"]?.intValue, rank > 0, rank <= 1 << 16,
      let alpha = json["lora_alpha"]?.doubleValue.map(Float.init), alpha > 0, alpha.isFinite
    else { throw fault("r and lora_alpha must be positive numbers") }
    guard let dropout = (json["lora_dropout"] ?? .integer(0)).doubleValue.map(Float.init),
      dropout >= 0, dropout < 1
    else { throw fault("lora_dropout must be in 0..<1") }
    let targets = try targets(json, path, tensors: tensors)
    return LoRAConfiguration(rank: rank, alpha: alpha, dropout: dropout, targets: targets)
  }

  /// The projections that `target_modules` lists; of a pattern, or a list with exceptions, those that have tensors.
  private static func targets(
    _ json: JSONValue, _ path: String, tensors: [String]
  ) throws(ModelError) -> [Projection] {
    let suffix = ".lora_A.weight"
    let isPattern = json["target_modules"]?.stringValue != nil
    var names = json["target_modules"]?.arrayValue ?? []
    if isPattern || (!names.isEmpty && json["exclude_modules"] ?? .null != .null) {
      names = tensors.filter { $0.hasSuffix(suffix) }.map {
        .string(String($0.dropLast(suffix.count)))
      }
    }
    var targets: [Projection] = []
    for name in names {
      guard let projection = projection(ofModule: (name.stringValue ?? "")[...]) else {
        let known = Projection.allCases.map(\.name).joined(separator: ", ")
        throw ModelError(
          .unsupported,
          "\(path): target module \(name.stringValue ?? name.text()) is no projection of a block;"
            + " known are \(known)")
      }
      targets.append(projection)
    }
    guard !targets.isEmpty else {
      throw ModelError(.unsupported, "\(path): target_modules names no projection with an adapter")
    }
    return targets
  }

  /// The projection that a name or the end of a path stands for, as PEFT matches them: "q_proj", "self_attn.q_proj",
  /// "model.layers.0.self_attn.q_proj". That no layer is left out shows in the tensors.
  private static func projection(ofModule path: Substring) -> Projection? {
    let words = path.split(separator: ".", omittingEmptySubsequences: false)
    guard let name = words.last, let projection = Projection(name: String(name)),
      words.count == 1 || words[words.count - 2] == projection.parent
    else { return nil }
    return projection
  }

  /// The parameters in the order of `layout`; throws for a missing, extra or misshapen tensor.
  package func parameters(_ layout: AdapterLayout) throws(ModelError) -> [Float] {
    let expected = Set(layout.tensors.map { Self.wrapper + $0.name })
    if let extra = file.tensors.keys.sorted().first(where: { !expected.contains($0) }) {
      throw ModelError(
        .invalid, "\(path): tensor \(extra) does not belong to this adapter and model")
    }
    var parameters: [Float] = []
    parameters.reserveCapacity(layout.count)
    for tensor in layout.tensors {
      let name = Self.wrapper + tensor.name
      guard let entry = file.tensors[name] else {
        throw ModelError(
          .invalid,
          "\(path): tensor \(name) is missing; adapters on all layers are computed, not on some")
      }
      guard entry.shape == [tensor.rows, tensor.columns] else {
        throw ModelError(
          .invalid,
          "\(path): tensor \(name) has shape \(entry.shape), the model needs \([tensor.rows, tensor.columns])"
        )
      }
      parameters += file.floats(name) ?? []
    }
    return parameters
  }

  /// The two files of an adapter: (name, bytes).
  package static func files(
    _ parameters: [Float], _ layout: AdapterLayout, baseModel: String
  ) -> [(name: String, bytes: [UInt8])] {
    let tensors = layout.tensors.map { tensor in
      SafetensorsWriter.Tensor(
        name: wrapper + tensor.name, shape: [tensor.rows, tensor.columns],
        values: Array(parameters[tensor.range]))
    }
    let lora = layout.configuration
    let config: JSONObject = [
      "base_model_name_or_path": .string(baseModel), "bias": .string("none"),
      "fan_in_fan_out": .bool(false), "inference_mode": .bool(true),
      "init_lora_weights": .bool(true), "lora_alpha": number(lora.alpha),
      "lora_dropout": number(lora.dropout), "modules_to_save": .null,
      "peft_type": .string("LORA"), "r": .integer(lora.rank), "revision": .null,
      "target_modules": .array(lora.targets.map { .string($0.name) }),
      "task_type": .string("CAUSAL_LM"), "use_dora": .bool(false), "use_rslora": .bool(false),
    ]
    return [
      ("adapter_config.json", Array((JSONValue.object(config).text(indent: 2) + "\n").utf8)),
      ("adapter_model.safetensors", SafetensorsWriter.bytes(tensors)),
    ]
  }

  /// A whole number without a fraction, any other as the shortest decimal of the 32-bit value.
  private static func number(_ value: Float) -> JSONValue {
    Int(exactly: value).map(JSONValue.integer) ?? .double(Double("\(value)") ?? Double(value))
  }
}

extension AdapterFolder {
  /// The elements of all tensors.
  package var values: [Float] { file.tensors.keys.sorted().flatMap { file.floats($0) ?? [] } }

  /// Name and shape of every tensor, sorted by name.
  package var shapes: [(name: String, shape: [Int])] {
    file.tensors.values.map { ($0.name, $0.shape) }.sorted { $0.0 < $1.0 }
  }
}
