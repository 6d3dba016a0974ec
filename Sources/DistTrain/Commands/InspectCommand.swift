internal import Checkpoints
internal import ArgumentParser
internal import Foundation
internal import Model

/// disttrain inspect
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows the parameters and shapes of a model folder, an adapter or a checkpoint.",
    usage: "disttrain inspect <path> [--lora-r <r>] [--plan]",
    discussion: """
      Examples:
        disttrain inspect models/Qwen2.5-7B-Instruct --lora-r 8
        disttrain inspect models/Qwen2.5-7B-Instruct --plan --ranks 2 --precision bfloat16
        disttrain inspect runs/first/adapter
        disttrain inspect runs/first/checkpoints/step-000100.h5

      A model folder needs no weights: config.json alone gives the counts. A checkpoint is verified.
      --plan adds the memory of a run; `disttrain plan` reads it off a recipe and its
      data, and times it.
      """)

  @Argument(help: "A model folder, a PEFT adapter folder, or a checkpoint file.")
  var path: String

  @Option(
    help: ArgumentHelp("Rank of the adapter that is counted with a model.", valueName: "r"))
  var loraR = 16

  @Option(
    help: ArgumentHelp(
      "Its projections, separated by commas, or all-linear.", valueName: "names"))
  var loraTargetModules = "all-linear"

  @Flag(help: "Show the peak memory of a run with a model.")
  var plan = false

  @OptionGroup var planned: PlannedRun

  func run() throws {
    let files = FileManager.default
    guard let isFolder = InputFile.isFolder(path) else {
      throw CommandFailure(
        "\(path) does not exist; give a model folder, an adapter folder or a checkpoint file",
        exitCode: 66)
    }
    guard isFolder else { return try inspectCheckpoint() }
    if files.fileExists(atPath: path + "/adapter_config.json") {
      try inspectAdapter()
    } else if files.fileExists(atPath: path + "/config.json") {
      try inspectModel()
    } else if files.fileExists(atPath: path + "/config.yaml") {
      throw CommandFailure(
        "\(path) is the folder of a run; give its adapter, \(path)/adapter, or one of"
          + " \(path)/checkpoints", exitCode: 65)
    } else {
      throw CommandFailure(
        "\(path) has neither config.json (a model) nor adapter_config.json (an adapter); a"
          + " checkpoint is given as its .h5 file", exitCode: 65)
    }
  }

  /// The projections that the flag names.
  private func targets() throws(ConfigurationError) -> [Projection] {
    let words = ConfigurationKey.words(loraTargetModules)
    if words == ["all-linear"] { return Projection.allCases }
    do { return try Projection.named(words) } catch {
      throw ConfigurationError(["--lora-target-modules: \(error.reason)"])
    }
  }

  private func row(_ name: String, _ value: String) {
    Console.result(name + String(repeating: " ", count: max(1, 22 - name.count)) + value)
  }

  private func inspectModel() throws {
    let model = try QwenConfiguration(modelFolder: path)
    guard (1...65536).contains(loraR) else {
      throw ConfigurationError(["--lora-r is \(loraR); expected a whole number from 1 to 65536"])
    }
    let lora = LoRAConfiguration(rank: loraR, alpha: 1, dropout: 0.05, targets: try targets())
    let trainable = AdapterLayout(model, lora).count
    let total = model.parameterCount + trainable
    row("architecture", model.architecture.rawValue)
    row("layers", "\(model.layerCount)")
    row("hidden size", "\(model.hiddenSize)")
    row("intermediate size", "\(model.intermediateSize)")
    row("heads", "\(model.headCount) query, \(model.kvHeadCount) key/value, size \(model.headSize)")
    row(
      "vocabulary",
      "\(Console.grouped(model.vocabularySize)), head \(model.tiesEmbeddings ? "tied" : "untied")")
    for projection in Projection.allCases {
      let shape = model.shape(of: projection)
      row("  " + projection.name, "[\(shape.out), \(shape.in)]")
    }
    row("base parameters", Console.grouped(model.parameterCount))
    let share = Console.fixed(100 * Double(trainable) / Double(total), 3)
    row(
      "trainable",
      "\(Console.grouped(trainable)) of \(Console.grouped(total)) (\(share) %), rank \(loraR)")
    try inspectWeights(model)
    if plan {
      for line in try planned.lines(path, lora) { Console.result(line) }
    }
  }

  private func inspectWeights(_ model: QwenConfiguration) throws {
    let names = ["model.safetensors", "model.safetensors.index.json"]
    guard names.contains(where: { FileManager.default.fileExists(atPath: path + "/" + $0) }) else {
      row("weights", "none here; counted from config.json")
      return
    }
    let folder = try WeightFolder(path: path)
    _ = try WeightLoader.load(folder, model, layout: nil, longestSequence: 1)
    row("weights", "\(folder.names.count) tensors, complete")
  }

  private func inspectAdapter() throws {
    let adapter = try AdapterFolder(path: path)
    let lora = adapter.configuration
    row("adapter", "LoRA, rank \(lora.rank), alpha \(lora.alpha), dropout \(lora.dropout)")
    row("base model", adapter.baseModel)
    row("target modules", lora.targets.map(\.name).joined(separator: ", "))
    row("tensors", "\(adapter.shapes.count)")
    row("parameters", Console.grouped(adapter.shapes.reduce(0) { $0 + $1.shape.reduce(1, *) }))
    for (name, shape) in adapter.shapes { Console.result("  \(name) \(shape)") }
  }

  private func inspectCheckpoint() throws {
    let checkpoint = try Checkpoint(contentsOfFile: path)
    row("checkpoint", "verified")
    row("step", "\(checkpoint.step) of \(checkpoint.totalSteps)")
    row("epoch", "\(checkpoint.epoch), window \(checkpoint.windowInEpoch)")
    row("tokens seen", Console.grouped(checkpoint.tokensSeen))
    row("parameters", Console.grouped(checkpoint.parameters.count))
    for tensor in checkpoint.tensors { Console.result("  \(tensor.name) \(tensor.shape)") }
  }
}
