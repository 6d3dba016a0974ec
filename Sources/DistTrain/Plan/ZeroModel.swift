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
      Console.alert("warning", "cannot remove \(folder): \(error.localizedDescription)")
    }
  }

  func model(
    _ lora: LoRAConfiguration, longestSequence: Int, precision: Precision
  ) throws -> QwenModel {
    try WeightLoader.load(
      WeightFolder(path: folder), configuration, layout: AdapterLayout(configuration, lora),
      longestSequence: longestSequence, precision: precision)
  }

  /// The header of a safetensors file of bfloat16, and behind it a hole.
  private func writeWeights() throws {
    let header = SafetensorsWriter.header(
      configuration.tensors.map { ($0.name, .bfloat16, $0.shape) })
    let count = configuration.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    let path = folder + "/model.safetensors"
    try Data(header).write(to: URL(filePath: path))
    guard unsafe truncate(path, header.count + 2 * count) == 0 else {
      throw CommandFailure(
        "cannot make \(path) of \(2 * count) bytes: \(unsafe String(cString: strerror(errno)))",
        exitCode: 74)
    }
  }
}
