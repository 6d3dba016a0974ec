internal import ArgumentParser
internal import Foundation
internal import Model

/// disttrain synthesize
struct SynthesizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "synthesize",
    abstract: "Writes a model of random weights with a published model's shape.",
    usage: "disttrain synthesize --shape <name> <folder> [--tokenizer <path>]",
    discussion: """
      Examples:
        disttrain synthesize --shape qwen2.5-0.5b models/random
        disttrain synthesize --shape qwen2.5-7b --layers 4 models/random
        disttrain synthesize --shape qwen2.5-7b --tokenizer models/Qwen models/random

      Time and memory of a run do not depend on what the weights are, so a run of
      full size is possible without a download. It learns nothing worth keeping.
      Without --tokenizer every byte is a token, and texts are four times as long.

      Shapes: \(ModelShape.all.map(\.name).joined(separator: ", "))
      """)

  @Option(help: "Whose shape.")
  var shape: String

  @Option(help: "Layers instead of the shape's own.")
  var layers: Int?

  @Option(help: "A tokenizer.json, or a folder that has one, to copy.")
  var tokenizer: String?

  @Option(help: "Other weights for another number.")
  var seed: UInt64 = 1

  @Argument(help: "The folder to make; it must not exist or be empty.")
  var output: String

  func validate() throws {
    if let layers, layers < 1 { throw ValidationError("--layers is too small") }
  }

  func run() throws {
    guard let shape = ModelShape.all.first(where: { $0.name == shape.lowercased() }) else {
      let names = ModelShape.all.map(\.name).joined(separator: ", ")
      throw CommandFailure("no shape is called \(shape); there are \(names)", exitCode: 64)
    }
    let files = FileManager.default
    if files.fileExists(atPath: output), !(try files.contentsOfDirectory(atPath: output)).isEmpty {
      throw CommandFailure("\(output) is not empty; give another folder", exitCode: 73)
    }
    let bytes = try SyntheticModel(folder: output, seed: seed)
      .write(shape, layers: layers, tokenizer: tokenizerBytes())
    let model = try QwenConfiguration(modelFolder: output)
    Console.result(
      "wrote \(output): \(Console.grouped(model.parameterCount)) random parameters in bfloat16,"
        + " \(Console.grouped(bytes)) bytes")
  }

  private func tokenizerBytes() throws -> [UInt8] {
    guard let tokenizer else { return Array(ByteTokenizer.json.text().utf8) }
    let isFile = tokenizer.hasSuffix(".json")
    return try InputFile.bytes(isFile ? tokenizer : tokenizer + "/tokenizer.json")
  }
}
