internal import Foundation
internal import Model

/// A folder of random bfloat16 weights in the layout of a published model, for runs of its real size.
struct SyntheticModel {
  let folder: String
  let seed: UInt64
  /// Bytes of a shard at most, unless one tensor alone has more.
  private static let shardBytes = 4_000_000_000
  private static let pieceElements = 1 << 22
  /// Uniform over this has the published models' initial deviation of 0.02.
  private static let limit = Float(0.02 * 3.0.squareRoot())

  /// Writes config.json, the weights in one file or in shards with their index, and a tokenizer; returns their bytes.
  func write(_ shape: ModelShape, layers: Int?, tokenizer: [UInt8]) throws -> Int {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let output = RunFolder(folder)
    try output.write(shape.configuration(layers: layers).text(indent: 2) + "\n", to: "config.json")
    try output.write(tokenizer, to: "tokenizer.json")
    let configuration = try QwenConfiguration(modelFolder: folder)
    let shards = Self.shards(of: configuration.tensors)
    var map = JSONObject()
    for (index, tensors) in shards.enumerated() {
      let name =
        shards.count == 1
        ? "model.safetensors"
        : "model-\(Self.fiveDigits(index + 1))-of-\(Self.fiveDigits(shards.count)).safetensors"
      try write(tensors, to: name)
      for tensor in tensors { map[tensor.name] = .string(name) }
    }
    let total = 2 * configuration.parameterCount
    if shards.count > 1 {
      let index: JSONObject = [
        "metadata": .object(["total_size": .integer(total)]), "weight_map": .object(map),
      ]
      try output.write(
        JSONValue.object(index).text(indent: 2) + "\n", to: "model.safetensors.index.json")
    }
    return total
  }

  private typealias Tensor = (name: String, shape: [Int])

  private static func fiveDigits(_ number: Int) -> String {
    String(repeating: "0", count: max(0, 5 - String(number).count)) + String(number)
  }

  private static func shards(of tensors: [Tensor]) -> [[Tensor]] {
    var shards: [[Tensor]] = [[]]
    var bytes = 0
    for tensor in tensors {
      let size = 2 * tensor.shape.reduce(1, *)
      if bytes + size > shardBytes, bytes > 0 {
        shards.append([])
        bytes = 0
      }
      shards[shards.count - 1].append(tensor)
      bytes += size
    }
    return shards
  }

  /// Writes one shard under a hidden name and renames it when it is whole.
  private func write(_ tensors: [Tensor], to name: String) throws {
    let temporary = "\(folder)/.\(name).tmp"
    guard FileManager.default.createFile(atPath: temporary, contents: nil) else {
      throw CommandFailure("cannot create \(temporary); check the folder", exitCode: 73)
    }
    do {
      let file = try FileHandle(forWritingTo: URL(filePath: temporary))
      try file.write(
        contentsOf: SafetensorsWriter.header(tensors.map { ($0.name, .bfloat16, $0.shape) }))
      for tensor in tensors { try write(tensor, to: file) }
      try file.close()
      try FileManager.default.moveItem(atPath: temporary, toPath: "\(folder)/\(name)")
    } catch {
      try FileManager.default.removeItem(atPath: temporary)
      throw CommandFailure(
        "cannot write \(folder)/\(name): \(error.localizedDescription); check its disk's space",
        exitCode: 74)
    }
  }

  /// Norms are 1, biases 0, matrices random.
  private func write(_ tensor: Tensor, to file: FileHandle) throws {
    let count = tensor.shape.reduce(1, *)
    if tensor.shape.count == 1 {
      let isBias = tensor.name.hasSuffix(".bias")
      let bytes: [UInt8] = isBias ? [0, 0] : [0x80, 0x3F]
      try file.write(contentsOf: (0..<count).flatMap { _ in bytes })
      return
    }
    let weights = RandomWeights(seed: seed, name: tensor.name, limit: Self.limit)
    for start in stride(from: 0, to: count, by: Self.pieceElements) {
      let end = min(start + Self.pieceElements, count)
      try file.write(contentsOf: weights.bytes(start..<end))
    }
  }
}
