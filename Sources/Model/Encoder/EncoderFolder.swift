internal import Foundation
internal import Glibc

extension EncoderModel {
  /// The safetensors files of a model folder.
  package static func weightFiles(folder: String) throws(ModelError) -> [String] {
    try EncoderWeights.open(folder).filePaths
  }

  /// Files of a tokenizer that are copied as far as they are there.
  private static let tokenizerFiles = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt",
  ]

  /// Writes a folder that transformers' AutoModelForMultipleChoice loads: configuration, weights, tokenizer.
  ///
  /// - Parameters:
  ///   - parameters: An arena of `layout`.
  ///   - source: The folder that the model was made from.
  ///   - target: A folder that exists; files in it are replaced.
  package func write(
    _ parameters: borrowing FloatBuffer, from source: String, to target: String
  ) throws {
    precondition(parameters.count == layout.count, "the arena has another layout")
    for name in Self.tokenizerFiles {
      guard let bytes = FileManager.default.contents(atPath: source + "/" + name) else { continue }
      try bytes.write(to: URL(filePath: target + "/" + name), options: .atomic)
    }
    let json = try JSONParser.parse(modelFile: source + "/config.json")
    try Data(config(json).text(indent: 2).utf8 + [0x0A]).write(
      to: URL(filePath: target + "/config.json"), options: .atomic)
    try writeWeights(parameters, to: target)
  }

  /// config.json of what was trained.
  private func config(_ source: JSONValue) -> JSONValue {
    var object = source.objectValue ?? [:]
    let name: String =
      switch configuration.architecture {
      case .bert: "BertForMultipleChoice"
      case .roberta: "RobertaForMultipleChoice"
      case .distilbert: "DistilBertForMultipleChoice"
      }
    object["architectures"] = .array([.string(name)])
    object["torch_dtype"] = .string("float32")
    object["dtype"] = object["dtype"].map { _ in .string("float32") }
    return .object(object)
  }

  /// model.safetensors, complete or not there, a piece at a time.
  private func writeWeights(_ parameters: borrowing FloatBuffer, to target: String) throws {
    let tensors = layout.tensors.sorted { $0.name < $1.name }
    let header = SafetensorsWriter.header(tensors.map { ($0.name, .float32, $0.shape) })
    let (temporary, path) = (target + "/.model.safetensors.tmp", target + "/model.safetensors")
    guard FileManager.default.createFile(atPath: temporary, contents: nil) else {
      throw ModelError(.invalid, "cannot create \(temporary); check the folder and its space")
    }
    do {
      let output = try FileHandle(forWritingTo: URL(filePath: temporary))
      try output.write(contentsOf: header)
      for tensor in tensors { try write(tensor, of: parameters, to: output) }
      try output.synchronize()
      try output.close()
      guard unsafe rename(temporary, path) == 0 else {
        let reason = unsafe String(cString: strerror(errno))
        throw ModelError(.invalid, "cannot write \(path): \(reason)")
      }
    } catch {
      try FileManager.default.removeItem(atPath: temporary)
      throw error
    }
  }

  private static let pieceCount = 1 << 20

  private func write(
    _ tensor: ParameterTensor, of parameters: borrowing FloatBuffer, to output: FileHandle
  ) throws {
    for start in stride(
      from: tensor.range.lowerBound, to: tensor.range.upperBound, by: Self.pieceCount)
    {
      let count = min(Self.pieceCount, tensor.range.upperBound - start)
      let piece = parameters.matrix(1, count, at: start).view
      try output.write(contentsOf: ElementType.float32.bytes(of: piece))
    }
  }
}
