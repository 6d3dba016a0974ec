internal import Checkpoints
internal import ArgumentParser
internal import Foundation
internal import Model

/// disttrain verify
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Reads checkpoints, adapters and models to the last byte and says which are good.",
    usage: "disttrain verify <path> ...",
    discussion: """
      Examples:
        disttrain verify runs/first
        disttrain verify runs/first/checkpoints/*.h5 models/Qwen2.5-7B-Instruct

      Of a run all checkpoints and the adapter are verified. Exit code 65 if one is bad.
      """)

  @Argument(
    help: "Runs, checkpoints, adapter folders and model folders.", completion: .file())
  var paths: [String]

  func run() throws {
    var bad = 0
    for path in try paths.flatMap(Self.parts) {
      do {
        Console.result("good  \(path): \(try Self.verify(path))")
      } catch {
        bad += 1
        Console.result("BAD   \(error)")
      }
    }
    if bad > 0 { throw ExitCode(65) }
  }

  /// What there is to verify at a path.
  private static func parts(_ path: String) throws -> [String] {
    let files = FileManager.default
    let checkpoints = path + "/checkpoints"
    guard files.fileExists(atPath: checkpoints) else { return [path] }
    let names = try files.contentsOfDirectory(atPath: checkpoints).filter { $0.hasSuffix(".h5") }
    let adapter = path + "/adapter"
    return names.sorted().map { checkpoints + "/" + $0 }
      + (files.fileExists(atPath: adapter) ? [adapter] : [])
  }

  /// What was verified, in a few words; throws what is wrong.
  private static func verify(_ path: String) throws -> String {
    let files = FileManager.default
    if files.fileExists(atPath: path + "/adapter_config.json") {
      let adapter = try AdapterFolder(path: path)
      try requireFinite(adapter.values, path)
      return "adapter of rank \(adapter.configuration.rank), \(adapter.shapes.count) tensors"
    }
    if files.fileExists(atPath: path + "/config.json") {
      let model = try QwenConfiguration(modelFolder: path)
      let folder = try WeightFolder(path: path)
      _ = try WeightLoader.load(folder, model, layout: nil, longestSequence: 1)
      _ = try Tokenizer(path: path + "/tokenizer.json")
      let digest = try FileDigest.digest(ofFiles: folder.filePaths)
      return "model of \(Console.grouped(model.parameterCount)) parameters, SHA-256 \(digest)"
    }
    let checkpoint = try Checkpoint(contentsOfFile: path)
    try requireFinite(checkpoint.parameters, path)
    return "checkpoint of step \(checkpoint.step), \(checkpoint.tensors.count) tensors"
  }

  private static func requireFinite(_ values: [Float], _ path: String) throws {
    guard values.allSatisfy(\.isFinite) else {
      throw CommandFailure("\(path) holds values that are not finite", exitCode: 65)
    }
  }
}
