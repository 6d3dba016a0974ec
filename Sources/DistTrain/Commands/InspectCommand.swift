internal import ArgumentParser
internal import Foundation
internal import Model

/// disttrain inspect
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows the parameters and shapes of a model folder, an adapter or a checkpoint.",
    discussion: "A model folder needs no weights: config.json alone gives the counts.")

  @Argument(help: "A model folder, a PEFT adapter folder, or a checkpoint file.")
  var path: String

  @Option(help: "Rank of the adapter that is counted with a model.")
  var loraR = 16

  @Option(help: "Its projections, separated by commas, or all-linear.")
  var loraTargetModules = "all-linear"

  func run() throws {
    let files = FileManager.default
    guard files.fileExists(atPath: path) else {
      throw CommandFailure("\(path) does not exist", exitCode: 66)
    }
    if files.fileExists(atPath: path + "/adapter_config.json") {
      try inspectAdapter()
    } else if files.fileExists(atPath: path + "/config.json") {
      try inspectModel()
    } else if path.hasSuffix(".h5") {
      try inspectCheckpoint()
    } else {
      throw CommandFailure(
        "\(path) has neither config.json nor adapter_config.json and is no .h5 checkpoint",
        exitCode: 65)
    }
  }

  private func row(_ name: String, _ value: String) {
    Console.result(name + String(repeating: " ", count: max(1, 22 - name.count)) + value)
  }

  private func inspectModel() throws {
    let model = try QwenConfiguration(modelFolder: path)
    var targets = Projection.allCases
    if loraTargetModules != "all-linear" {
      targets = try loraTargetModules.split(separator: ",").map { name in
        guard let projection = Projection(name: String(name)) else {
          throw CommandFailure("target module \(name) matches nothing", exitCode: 78)
        }
        return projection
      }
    }
    guard loraR > 0 else { throw CommandFailure("lora-r must be positive", exitCode: 78) }
    let lora = LoRAConfiguration(rank: loraR, alpha: 1, dropout: 0, targets: targets)
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
