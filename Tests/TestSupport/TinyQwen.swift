package import Model

internal import Foundation

/// A small random model written to a temporary folder in the real file layout.
package final class TinyQwen {
  package let folder: String
  package let configuration: QwenConfiguration

  /// Writes config.json and model.safetensors; sizes cover grouped heads and head sizes apart from hidden / heads.
  package init(
    type: String = "qwen2", vocabulary: Int = 97, hidden: Int = 32, layers: Int = 2, heads: Int = 4,
    kvHeads: Int = 2, headSize: Int = 8, intermediate: Int = 48, tied: Bool = true,
    seed: UInt64 = 5,
    elementType: ElementType = .float32
  ) throws {
    folder = NSTemporaryDirectory() + "tiny-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let json: JSONObject = [
      "model_type": .string(type), "vocab_size": .integer(vocabulary),
      "hidden_size": .integer(hidden), "intermediate_size": .integer(intermediate),
      "num_hidden_layers": .integer(layers), "num_attention_heads": .integer(heads),
      "num_key_value_heads": .integer(kvHeads), "head_dim": .integer(headSize),
      "rms_norm_eps": .double(1e-6), "rope_theta": .double(10000),
      "tie_word_embeddings": .bool(tied),
    ]
    try Data(JSONValue.object(json).text(indent: 2).utf8).write(
      to: URL(filePath: folder + "/config.json"))
    configuration = try QwenConfiguration(modelFolder: folder)
    var tensors: [SafetensorsWriter.Tensor] = []
    func add(_ name: String, _ shape: [Int], scale: Float, around center: Float = 0) {
      let values = randomValues(shape.reduce(1, *), seed: seed &+ UInt64(tensors.count))
      tensors.append(
        .init(name: name, shape: shape, values: values.map { center + scale * $0 }))
    }
    add("model.embed_tokens.weight", [vocabulary, hidden], scale: 1)
    if !tied { add("lm_head.weight", [vocabulary, hidden], scale: 0.3) }
    add("model.norm.weight", [hidden], scale: 0.2, around: 1)
    for layer in 0..<layers {
      let prefix = "model.layers.\(layer)."
      add(prefix + "input_layernorm.weight", [hidden], scale: 0.2, around: 1)
      add(prefix + "post_attention_layernorm.weight", [hidden], scale: 0.2, around: 1)
      for projection in Projection.allCases {
        let shape = configuration.shape(of: projection)
        let name = prefix + projection.parent + "." + projection.name
        add(name + ".weight", [shape.out, shape.in], scale: 1.5 / Float(shape.in).squareRoot())
        if configuration.hasProjectionBias && projection.rawValue <= Projection.value.rawValue {
          add(name + ".bias", [shape.out], scale: 0.3)
        }
      }
      if configuration.hasHeadNorm {
        add(prefix + "self_attn.q_norm.weight", [headSize], scale: 0.2, around: 1)
        add(prefix + "self_attn.k_norm.weight", [headSize], scale: 0.2, around: 1)
      }
    }
    try Data(Self.bytes(tensors, elementType)).write(
      to: URL(filePath: folder + "/model.safetensors"))
  }

  private static func bytes(
    _ tensors: [SafetensorsWriter.Tensor], _ type: ElementType
  ) -> [UInt8] {
    guard type != .float32 else { return SafetensorsWriter.bytes(tensors) }
    return SafetensorsWriter.header(tensors.map { ($0.name, type, $0.shape) })
      + tensors.flatMap { $0.values.encoded(as: type) }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  package func model(
    _ layout: AdapterLayout?, longestSequence: Int, precision: Precision = .float32
  ) throws -> QwenModel {
    try WeightLoader.load(
      WeightFolder(path: folder), configuration, layout: layout, longestSequence: longestSequence,
      precision: precision)
  }
}
