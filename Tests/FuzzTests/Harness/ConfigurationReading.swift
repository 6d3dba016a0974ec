internal import DistTrain
internal import Model

/// config.json, recipes in YAML, command lines, and JSON as such.
struct ConfigurationReading {
  let folder: ScratchFolder

  func accepts(_ content: [UInt8], _ choice: UInt8) throws -> Bool {
    switch choice % 4 {
    case 0: try acceptsModel(content)
    case 1: try acceptsRecipe(content)
    case 2: try acceptsCommandLine(content)
    default: try acceptsJSON(content)
    }
  }

  private func acceptsModel(_ content: [UInt8]) throws -> Bool {
    try folder.write(content, to: "config.json")
    let model: QwenConfiguration
    do { model = try QwenConfiguration(modelFolder: folder.path) } catch { return false }
    try FuzzFinding.require(
      model.parameterCount > 0 && model.normEpsilon > 0 && model.normEpsilon.isFinite
        && model.ropeTheta > 0 && model.headCount % model.kvHeadCount == 0,
      "an impossible model: \(model)")
    if model.layerCount <= 64 {
      let lora = LoRAConfiguration(
        rank: 65536, alpha: 1, dropout: 0, targets: Projection.allCases)
      try FuzzFinding.require(AdapterLayout(model, lora).count > 0, "an empty adapter")
    }
    return true
  }

  private func acceptsRecipe(_ content: [UInt8]) throws -> Bool {
    let path = try folder.write(content, to: "recipe.yaml")
    return try acceptsRun(file: path, overrides: [])
  }

  private func acceptsCommandLine(_ content: [UInt8]) throws -> Bool {
    let words = content.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    do {
      let line = try ConfigurationValues.parse(words)
      return try acceptsRun(file: nil, overrides: line.overrides)
    } catch is ConfigurationError {
      return false
    }
  }

  /// What a run writes as its config.yaml gives the same run.
  private func acceptsRun(file: String?, overrides: [(key: String, value: String)]) throws -> Bool {
    let run: RunConfiguration
    do {
      run = try RunConfiguration(
        ConfigurationValues(file: file, environment: [:], overrides: overrides))
    } catch { return false }
    let copy = try folder.write(run.yaml, to: "config.yaml")
    let again = try RunConfiguration(
      ConfigurationValues(file: copy, environment: [:], overrides: []))
    for key in ConfigurationKey.all {
      try FuzzFinding.require(
        run.values[key.name]?.text == again.values[key.name]?.text,
        "\(key.name) was \(run.values[key.name]?.text ?? "-"), now"
          + " \(again.values[key.name]?.text ?? "-")")
    }
    try FuzzFinding.require(run.differences(from: again.json).isEmpty, "the copy is another run")
    try checkPlan(run)
    return true
  }

  private func checkPlan(_ run: RunConfiguration) throws {
    let plan = TrainingPlan(
      exampleCount: 40, batchSize: run.batchSize, accumulation: run.accumulation,
      epochs: run.epochs, maximumSteps: run.maximumSteps, seed: run.seed, shuffles: run.shuffles)
    for step in [1, plan.totalSteps] {
      try FuzzFinding.require(
        plan.window(ofStep: step).microBatches.joined().allSatisfy { (0..<40).contains($0) },
        "step \(step) has examples that are not there")
    }
    try FuzzFinding.require(run.warmupSteps(of: plan.totalSteps) >= 0, "a negative warmup")
    _ = try? Split.ratios(
      40, train: run.trainRatio, validation: run.validationRatio, seed: run.seed)
  }

  private func acceptsJSON(_ content: [UInt8]) throws -> Bool {
    let value: JSONValue
    do { value = try JSONParser.parse(content) } catch { return false }
    for indent in [nil, 2] {
      try FuzzFinding.require(
        try JSONParser.parse(value.text(indent: indent)) == value, "a value comes back as another")
    }
    return true
  }
}
