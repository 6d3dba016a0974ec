internal import Model

/// Weight files, the index of a model in shards, and adapters.
struct SafetensorsReading {
  let folder: ScratchFolder

  func accepts(_ content: [UInt8], _ choice: UInt8) throws -> Bool {
    switch choice % 4 {
    case 0: try acceptsFile(content)
    case 1: try acceptsIndex(content)
    case 2: try acceptsAdapterConfiguration(content)
    default: try acceptsAdapterTensors(content)
    }
  }

  private func acceptsFile(_ content: [UInt8]) throws -> Bool {
    let path = try folder.write(content, to: "model.safetensors")
    let file: SafetensorsFile
    do { file = try SafetensorsFile(path: path) } catch { return false }
    let tensors = file.tensors.values.map {
      SafetensorsWriter.Tensor(name: $0.name, shape: $0.shape, values: file.floats($0.name) ?? [])
    }
    let copy = try SafetensorsFile(
      path: folder.write(SafetensorsWriter.bytes(tensors), to: "copy.safetensors"))
    try FuzzFinding.require(copy.tensors.count == tensors.count, "a copy has other tensors")
    for tensor in tensors {
      try FuzzFinding.require(
        copy.tensors[tensor.name]?.shape == tensor.shape
          && copy.floats(tensor.name)?.map(\.bitPattern) == tensor.values.map(\.bitPattern),
        "a copy has another tensor \(tensor.name)")
    }
    return true
  }

  /// Two shards lie beside the index: "a" and "b", with one tensor of that name each.
  private func acceptsIndex(_ content: [UInt8]) throws -> Bool {
    folder.remove("model.safetensors")
    for name in ["a", "b"] {
      let tensor = SafetensorsWriter.Tensor(name: name, shape: [2], values: [1, 2])
      try folder.write(SafetensorsWriter.bytes([tensor]), to: name + ".safetensors")
    }
    try folder.write(content, to: "model.safetensors.index.json")
    let weights: WeightFolder
    do { weights = try WeightFolder(path: folder.path) } catch { return false }
    for path in weights.filePaths {
      try FuzzFinding.require(
        path == folder.path + "/a.safetensors" || path == folder.path + "/b.safetensors",
        "the index led to \(path)")
    }
    return true
  }

  private func acceptsAdapterConfiguration(_ content: [UInt8]) throws -> Bool {
    try folder.write(content, to: "adapter_config.json")
    try folder.write(SafetensorsWriter.bytes([]), to: "adapter_model.safetensors")
    let adapter: AdapterFolder
    do { adapter = try AdapterFolder(path: folder.path) } catch { return false }
    let lora = adapter.configuration
    guard lora.rank <= 4 else { return true }
    let layout = AdapterLayout(try smallModel(), lora)
    try writeAdapter([Float](repeating: 0, count: layout.count), layout, adapter.baseModel)
    let again = try AdapterFolder(path: folder.path)
    try FuzzFinding.require(
      again.configuration == lora && again.baseModel == adapter.baseModel,
      "a copy has another configuration: \(lora), \(again.configuration)")
    return true
  }

  private func acceptsAdapterTensors(_ content: [UInt8]) throws -> Bool {
    let layout = AdapterLayout(try smallModel(), Self.smallLoRA)
    try writeAdapter([Float](repeating: 0, count: layout.count), layout, "base")
    try folder.write(content, to: "adapter_model.safetensors")
    let parameters: [Float]
    do { parameters = try AdapterFolder(path: folder.path).parameters(layout) } catch {
      return false
    }
    try FuzzFinding.require(parameters.count == layout.count, "an adapter of another size")
    try writeAdapter(parameters, layout, "base")
    let again = try AdapterFolder(path: folder.path).parameters(layout)
    try FuzzFinding.require(
      again.map(\.bitPattern) == parameters.map(\.bitPattern), "a copy has other parameters")
    return true
  }

  static let smallLoRA = LoRAConfiguration(
    rank: 1, alpha: 2, dropout: 0, targets: [.query, .down])

  private func smallModel() throws -> QwenConfiguration {
    try folder.write(FuzzSeeds.modelConfiguration, to: "config.json")
    return try QwenConfiguration(modelFolder: folder.path)
  }

  private func writeAdapter(
    _ parameters: [Float], _ layout: AdapterLayout, _ base: String
  ) throws {
    for file in AdapterFolder.files(parameters, layout, baseModel: base) {
      try folder.write(file.bytes, to: file.name)
    }
  }
}
