internal import Foundation
internal import Glibc
internal import Model

/// A model folder with the shapes of a config.json and nothing but zeros, which take no room on the disk.
///
/// The time of a product does not depend on what is multiplied, so the program's own code can be timed before the weights
/// are there.
final class ZeroModel {
  let folder: String
  let configuration: QwenConfiguration

  /// - Parameters:
  ///   - source: The folder of the config.json.
  ///   - layers: Layers instead of the model's own.
  ///   - vocabulary: Rows of the embedding, with which the head is tied.
  init(_ source: String, layers: Int, vocabulary: Int) throws {
    folder = NSTemporaryDirectory() + "disttrain-plan-" + UUID().uuidString
    guard var json = try JSONParser.parse(InputFile.bytes(source + "/config.json")).objectValue
    else { throw CommandFailure("\(source)/config.json is no object", exitCode: 65) }
    json["num_hidden_layers"] = .integer(layers)
    json["vocab_size"] = .integer(vocabulary)
    json["tie_word_embeddings"] = .bool(true)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(JSONValue.object(json).text().utf8).write(
      to: URL(filePath: folder + "/config.json"))
    configuration = try QwenConfiguration(modelFolder: folder)
    try writeWeights()
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: folder) } catch {
      Console.note("warning: cannot remove \(folder): \(error.localizedDescription)")
    }
  }

  func model(
    _ lora: LoRAConfiguration, longestSequence: Int, precision: Precision
  ) throws -> QwenModel {
    try WeightLoader.load(
      WeightFolder(path: folder), configuration, layout: AdapterLayout(configuration, lora),
      longestSequence: longestSequence, precision: precision)
  }

  /// Names and shapes of all tensors.
  private var tensors: [(name: String, shape: [Int])] {
    let sizes = configuration
    var tensors: [(String, [Int])] = [
      ("model.embed_tokens.weight", [sizes.vocabularySize, sizes.hiddenSize]),
      ("model.norm.weight", [sizes.hiddenSize]),
    ]
    for layer in 0..<sizes.layerCount {
      let prefix = "model.layers.\(layer)."
      tensors.append((prefix + "input_layernorm.weight", [sizes.hiddenSize]))
      tensors.append((prefix + "post_attention_layernorm.weight", [sizes.hiddenSize]))
      for projection in Projection.allCases {
        let shape = sizes.shape(of: projection)
        let name = prefix + projection.parent + "." + projection.name
        tensors.append((name + ".weight", [shape.out, shape.in]))
        if sizes.hasProjectionBias && projection.rawValue <= Projection.value.rawValue {
          tensors.append((name + ".bias", [shape.out]))
        }
      }
      if sizes.hasHeadNorm {
        tensors.append((prefix + "self_attn.q_norm.weight", [sizes.headSize]))
        tensors.append((prefix + "self_attn.k_norm.weight", [sizes.headSize]))
      }
    }
    return tensors
  }

  /// The header of a safetensors file of bfloat16, and behind it a hole.
  private func writeWeights() throws {
    var header = JSONObject()
    var offset = 0
    for (name, shape) in tensors {
      let end = offset + 2 * shape.reduce(1, *)
      header[name] = .object([
        "dtype": .string("BF16"), "shape": .array(shape.map(JSONValue.integer)),
        "data_offsets": .array([.integer(offset), .integer(end)]),
      ])
      offset = end
    }
    var text = Array(JSONValue.object(header).text().utf8)
    text += repeatElement(UInt8(ascii: " "), count: -text.count & 7)
    let length = unsafe withUnsafeBytes(of: UInt64(text.count).littleEndian) { unsafe Array($0) }
    let path = folder + "/model.safetensors"
    try Data(length + text).write(to: URL(filePath: path))
    guard unsafe truncate(path, length.count + text.count + offset) == 0 else {
      throw CommandFailure(
        "cannot make \(path) of \(offset) bytes: \(unsafe String(cString: strerror(errno)))",
        exitCode: 74)
    }
  }
}
