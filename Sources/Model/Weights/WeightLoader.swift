internal import Glibc

/// The tensors of a model folder: one safetensors file, or the shards its index names.
package struct WeightFolder: Sendable {
  package let path: String
  private let files: [SafetensorsFile]
  private let owner: [String: Int]

  /// Opens `model.safetensors` or the shards of `model.safetensors.index.json`.
  ///
  /// - Parameter isIgnored: Tells by the name which tensors are left out, whatever their type.
  package init(
    path: String, ignoring isIgnored: (String) -> Bool = { _ in false }
  ) throws(ModelError) {
    self.path = path
    var names = ["model.safetensors"]
    var promised: [(tensor: String, shard: String)] = []
    let index = path + "/model.safetensors.index.json"
    if unsafe access(path + "/model.safetensors", F_OK) != 0 {
      guard unsafe access(index, F_OK) == 0 else {
        throw ModelError(
          .missing,
          "\(path) has neither model.safetensors nor model.safetensors.index.json; download the weights"
        )
      }
      promised = try Self.shards(index)
      names = Set(promised.map(\.shard)).sorted()
    }
    var files: [SafetensorsFile] = []
    var owner: [String: Int] = [:]
    for name in names {
      let file = try SafetensorsFile(path: path + "/" + name, ignoring: isIgnored)
      for tensor in file.tensors.keys {
        guard owner.updateValue(files.count, forKey: tensor) == nil else {
          throw ModelError(.invalid, "\(path): tensor \(tensor) is in two shards")
        }
      }
      files.append(file)
    }
    for (tensor, shard) in promised
    where !isIgnored(tensor) && owner[tensor].map({ names[$0] }) != shard {
      throw ModelError(
        .invalid, "\(index): tensor \(tensor) is not in \(shard); download index and shards again")
    }
    self.files = files
    self.owner = owner
  }

  /// Which shard holds each tensor, as the index says.
  private static func shards(
    _ index: String
  ) throws(ModelError) -> [(tensor: String, shard: String)] {
    let json = try JSONParser.parse(modelFile: index)
    guard let map = json["weight_map"]?.objectValue, map.count > 0 else {
      throw ModelError(.invalid, "\(index): weight_map is missing or empty")
    }
    var shards: [(tensor: String, shard: String)] = []
    for (tensor, value) in zip(map.keys, map.values) {
      guard let name = value.stringValue,
        name.utf8.allSatisfy({ $0 != UInt8(ascii: "/") && $0 != 0 }),
        name.hasSuffix(".safetensors")
      else {
        throw ModelError(.invalid, "\(index): a shard is not the name of a file beside it")
      }
      shards.append((tensor, name))
    }
    return shards
  }

  /// Paths of the safetensors files.
  package var filePaths: [String] { files.map(\.file.path) }

  var safetensors: [SafetensorsFile] { files }

  /// Has the files read from front to back; one rank of a host does so for all, whose own reads would come in any order.
  package func prefetch() {
    for file in files { file.file.prefetch() }
  }

  /// Names of all tensors.
  package var names: [String] { owner.keys.sorted() }

  /// The entry of a tensor and the file that holds it, checked for its shape.
  func entry(_ name: String, shape: [Int]) throws(ModelError) -> (SafetensorsFile, TensorEntry) {
    guard let index = owner[name], let entry = files[index].tensors[name] else {
      throw ModelError(.invalid, "\(path): tensor \(name) is missing; config.json asks for it")
    }
    guard entry.shape == shape else {
      throw ModelError(
        .invalid, "\(path): tensor \(name) has shape \(entry.shape), config.json asks for \(shape)")
    }
    return (files[index], entry)
  }

  /// The mapped tensor `name`: [rows, columns].
  package func matrix(
    _ name: String, _ rows: Int, _ columns: Int
  ) throws(ModelError) -> WeightMatrix {
    let (file, entry) = try entry(name, shape: [rows, columns])
    return WeightMatrix(file: file.file, entry: entry, rows: rows, columns: columns)
  }

  func vector(_ name: String, _ count: Int) throws(ModelError) -> [Float] {
    let (file, _) = try entry(name, shape: [count])
    return file.floats(name) ?? []
  }
}

/// Connects a checkpoint's tensors with the layers; no tensor may be missing or left over.
package struct WeightLoader {
  private let folder: WeightFolder
  private let sizes: QwenConfiguration
  private var used: Set<String> = []

  /// Maps the weights of `folder` and makes the model that `configuration` describes.
  package static func load(
    _ folder: WeightFolder, _ configuration: QwenConfiguration, layout: AdapterLayout?,
    longestSequence: Int, precision: Precision = .float32
  ) throws(ModelError) -> QwenModel {
    var loader = WeightLoader(folder: folder, sizes: configuration)
    let embedding = try loader.matrix(
      "model.embed_tokens.weight", configuration.vocabularySize, configuration.hiddenSize)
    var blocks: [TransformerBlock] = []
    for layer in 0..<configuration.layerCount {
      blocks.append(try loader.block(layer, layout))
    }
    let finalNorm = try loader.norm("model.norm.weight", configuration.hiddenSize)
    let head =
      configuration.tiesEmbeddings
      ? embedding
      : try loader.matrix(
        "lm_head.weight", configuration.vocabularySize, configuration.hiddenSize)
    try loader.checkNothingLeft()
    return QwenModel(
      configuration: configuration, layout: layout, embedding: embedding, blocks: blocks,
      finalNorm: finalNorm, crossEntropy: CrossEntropy(head: Linear(weight: head)),
      rotary: RotaryEmbedding(
        headSize: configuration.headSize, theta: configuration.ropeTheta,
        positions: longestSequence), precision: precision)
  }

  private init(folder: WeightFolder, sizes: QwenConfiguration) {
    self.folder = folder
    self.sizes = sizes
  }

  private mutating func block(
    _ layer: Int, _ layout: AdapterLayout?
  ) throws(ModelError) -> TransformerBlock {
    let prefix = "model.layers.\(layer)."
    var projections: [LoRALinear] = []
    for projection in Projection.allCases {
      let name = prefix + projection.parent + "." + projection.name
      let shape = sizes.shape(of: projection)
      let weight = try matrix(name + ".weight", shape.out, shape.in)
      let isBiased = sizes.hasProjectionBias && projection.rawValue <= Projection.value.rawValue
      let bias = isBiased ? try vector(name + ".bias", shape.out) : []
      projections.append(
        LoRALinear(
          base: Linear(weight: weight, bias: bias), pair: layout?.pair(layer: layer, projection),
          scaling: layout?.configuration.scaling ?? 0,
          module: layer * Projection.allCases.count + projection.rawValue))
    }
    let hasHeadNorm = sizes.hasHeadNorm
    return TransformerBlock(
      layer: layer,
      attentionNorm: try norm(prefix + "input_layernorm.weight", sizes.hiddenSize),
      mlpNorm: try norm(prefix + "post_attention_layernorm.weight", sizes.hiddenSize),
      queryNorm: hasHeadNorm ? try norm(prefix + "self_attn.q_norm.weight", sizes.headSize) : nil,
      keyNorm: hasHeadNorm ? try norm(prefix + "self_attn.k_norm.weight", sizes.headSize) : nil,
      projections: projections,
      attention: GroupedQueryAttention(
        heads: sizes.headCount, kvHeads: sizes.kvHeadCount, headSize: sizes.headSize))
  }

  private mutating func matrix(
    _ name: String, _ rows: Int, _ columns: Int
  ) throws(ModelError) -> WeightMatrix {
    used.insert(name)
    return try folder.matrix(name, rows, columns)
  }

  private mutating func vector(_ name: String, _ count: Int) throws(ModelError) -> [Float] {
    used.insert(name)
    return try folder.vector(name, count)
  }

  private mutating func norm(_ name: String, _ size: Int) throws(ModelError) -> RMSNorm {
    RMSNorm(weight: try vector(name, size), epsilon: sizes.normEpsilon)
  }

  private func checkNothingLeft() throws(ModelError) {
    // Older files carry the rotary frequencies, and tied ones may repeat the head: both follow from config.json.
    let left = folder.names.filter {
      !used.contains($0) && !$0.hasSuffix("rotary_emb.inv_freq")
        && !(sizes.tiesEmbeddings && $0 == "lm_head.weight")
    }
    guard left.isEmpty else {
      throw ModelError(
        .invalid,
        "\(folder.path): \(left.count) tensors do not belong to a \(sizes.architecture.rawValue) model,"
          + " such as \(left[0])")
    }
  }
}
