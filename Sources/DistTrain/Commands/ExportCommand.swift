internal import Checkpoints
internal import ArgumentParser
internal import Foundation
internal import Model

/// disttrain export
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a PEFT adapter, a merged model or an encoder from a run or a checkpoint.",
    usage: "disttrain export <run> | <checkpoint> --output <folder> [--merge]",
    discussion: """
      Examples:
        disttrain export runs/first --output adapter
        disttrain export runs/first/checkpoints/step-000100.h5 --output adapter
        disttrain export runs/first --output merged --merge --model models/Qwen2.5-7B-Instruct

      Of a run the newest good checkpoint is taken. A merged model has the files and
      the element type of its base, and needs no adapter any more. Of a run with an
      encoder the whole model is written, for transformers.
      """)

  @Argument(help: "A run's folder, or a checkpoint.", completion: .file())
  var source: String

  @Option(help: "The folder to make; it must not exist or be empty.", completion: .directory)
  var output: String

  @Flag(help: "Add the adapter to the base weights and write the whole model.")
  var merge = false

  @Option(
    help: "The base model, where it is no longer where the checkpoint says.",
    completion: .directory)
  var model: String?

  func run() throws {
    let checkpoint = try load()
    let settings = try JSONParser.parse(checkpoint.configuration)
    let name = model ?? settings["model_name_or_path"]?.stringValue ?? ""
    let base = HubCache.own.resolve(name)
    let product =
      RunConfiguration.isEncoder(base)
      ? try exportEncoder(checkpoint, base) : try exportAdapter(checkpoint, base, named: name)
    Console.result("wrote \(output): \(product) of step \(checkpoint.step)")
  }

  /// Returns what was written.
  private func exportAdapter(
    _ checkpoint: Checkpoint, _ base: String, named name: String
  ) throws -> String {
    let sizes = try QwenConfiguration(modelFolder: base)
    let lora = try LoRAConfiguration(checkpoint)
    let layout = AdapterLayout(sizes, lora)
    guard layout.checkpointTensors == checkpoint.tensors else {
      throw CommandFailure(
        "\(source) holds an adapter for another model than \(base); say --model", exitCode: 65)
    }
    try prepareOutput()
    if merge {
      try writeMerged(base, layout, checkpoint.parameters)
    } else {
      try RunFolder(output).writeAdapter(checkpoint.parameters, layout, baseModel: name, to: ".")
    }
    return merge ? "the merged model" : "a PEFT adapter"
  }

  /// Returns what was written.
  private func exportEncoder(_ checkpoint: Checkpoint, _ base: String) throws -> String {
    if merge {
      throw CommandFailure(
        "\(source) holds a whole model, no adapter; leave out --merge", exitCode: 64)
    }
    let model = EncoderModel(try EncoderConfiguration(modelFolder: base))
    guard model.checkpointTensors == checkpoint.tensors else {
      throw CommandFailure("\(source) holds another model than \(base); say --model", exitCode: 65)
    }
    try prepareOutput()
    try model.write(FloatBuffer(checkpoint.parameters), from: base, to: output)
    return "the trained model"
  }

  private func load() throws -> Checkpoint {
    guard !source.hasSuffix(".h5") else { return try Checkpoint(contentsOfFile: source) }
    let search = try RunFolder(source).checkpoints.newest()
    for refused in search.refused { Console.alert("warning", "\(refused.reason)") }
    guard let found = search.found else {
      throw CommandFailure("\(source)/checkpoints holds no good checkpoint", exitCode: 66)
    }
    return found.checkpoint
  }

  private func prepareOutput() throws {
    let files = FileManager.default
    if files.fileExists(atPath: output), !(try files.contentsOfDirectory(atPath: output)).isEmpty {
      throw CommandFailure("\(output) is not empty; give another --output", exitCode: 73)
    }
    try files.createDirectory(atPath: output, withIntermediateDirectories: true)
  }

  /// The weights with the adapter in them, and every other file of the base model as it is.
  private func writeMerged(_ base: String, _ layout: AdapterLayout, _ parameters: [Float]) throws {
    try MergedWeights(WeightFolder(path: base), layout, parameters: parameters).write(to: output)
    for name in try FileManager.default.contentsOfDirectory(atPath: base).sorted()
    where [".json", ".txt", ".jinja", ".model"].contains(where: name.hasSuffix) {
      try FileManager.default.copyItem(atPath: base + "/" + name, toPath: output + "/" + name)
    }
  }
}

extension LoRAConfiguration {
  /// The kind of adapter that a checkpoint holds.
  fileprivate init(_ checkpoint: Checkpoint) throws {
    let suffix = ".lora_A"
    let provenance = try JSONParser.parse(checkpoint.provenance)
    guard let first = checkpoint.tensors.first(where: { $0.name.hasSuffix(suffix) }),
      let alpha = provenance["lora_alpha"]?.doubleValue, alpha > 0
    else {
      throw CommandFailure(
        "the checkpoint does not say what kind of adapter it holds", exitCode: 65)
    }
    let targets = checkpoint.tensors.compactMap { tensor -> Projection? in
      guard tensor.name.hasSuffix(suffix) else { return nil }
      let words = tensor.name.split(separator: ".")
      return Projection(name: String(words[words.count - 2]))
    }
    let dropout = provenance["lora_dropout"]?.doubleValue ?? 0
    self.init(
      rank: first.rows, alpha: Float(alpha), dropout: Float(dropout), targets: targets)
  }
}
