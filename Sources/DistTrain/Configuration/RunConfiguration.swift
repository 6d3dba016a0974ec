package import Model

/// Every setting of a run, typed and checked.
package struct RunConfiguration: Sendable, Equatable {
  package let values: ConfigurationValues
  package let modelPath: String, datasetPath: String, outputPath: String
  package let overwritesOutput: Bool
  package let initialAdapter: String?, resumeFrom: String?
  package let precision: String
  package let threadsPerRank: Int
  package let split: String
  package let trainRatio: Double, validationRatio: Double, testRatio: Double
  package let optionOrder: OptionOrder
  package let promptTemplate: PromptTemplate
  package let scoresOptions: Bool
  package let lossOnAll: Bool
  package let countsLabels: Bool
  package let maximumLength: Int
  package let shuffles: Bool
  package let seed: UInt64
  package let epochs: Double
  package let maximumSteps: Int, batchSize: Int, accumulation: Int
  package let learningRate: Double
  package let scheduleShape: LearningRateSchedule.Shape
  package let warmup: Double, weightDecay: Double, maximumGradientNorm: Double
  package let lora: LoRAConfiguration
  package let loggingSteps: Int, evaluationSteps: Int, saveSteps: Int, saveLimit: Int

  /// Types every value; throws one error that lists all faults with their places.
  package init(_ values: ConfigurationValues) throws(ConfigurationError) {
    var reader = ValueReader(values: values)
    self.values = values
    modelPath = reader.text("model_name_or_path")
    datasetPath = reader.text("dataset_path")
    outputPath = reader.text("output_dir")
    overwritesOutput = reader.flag("overwrite_output_dir")
    initialAdapter = reader.optionalText("init_adapter")
    resumeFrom = reader.optionalText("resume_from_checkpoint")
    precision = reader.choice("precision")
    threadsPerRank = reader.integer("threads_per_rank")
    split = reader.text("split")
    trainRatio = reader.number("train_ratio")
    validationRatio = reader.number("val_ratio")
    testRatio = reader.number("test_ratio")
    optionOrder = OptionOrder(rawValue: reader.choice("option_order")) ?? .shuffled
    promptTemplate = PromptTemplate(rawValue: reader.choice("prompt_template")) ?? .plain
    scoresOptions = reader.choice("score") == "option"
    lossOnAll = reader.choice("loss_on") == "all"
    countsLabels = reader.choice("loss_normalization") == "labels"
    maximumLength = reader.integer("max_length")
    shuffles = reader.flag("shuffle")
    seed = UInt64(reader.integer("seed"))
    epochs = reader.number("num_train_epochs")
    maximumSteps = reader.integer("max_steps")
    batchSize = reader.integer("per_device_train_batch_size")
    accumulation = reader.integer("gradient_accumulation_steps")
    learningRate = reader.number("learning_rate")
    scheduleShape =
      LearningRateSchedule.Shape(rawValue: reader.choice("lr_scheduler_type")) ?? .linear
    warmup = reader.number("warmup_steps")
    weightDecay = reader.number("weight_decay")
    maximumGradientNorm = reader.number("max_grad_norm")
    let targets = reader.targets("lora_target_modules")
    lora = LoRAConfiguration(
      rank: max(1, reader.integer("lora_r")), alpha: Float(reader.number("lora_alpha")),
      dropout: Float(reader.number("lora_dropout")), targets: targets)
    loggingSteps = reader.integer("logging_steps")
    evaluationSteps = reader.integer("eval_steps")
    saveSteps = reader.integer("save_steps")
    saveLimit = reader.integer("save_total_limit")
    var faults = reader.faults
    if abs(trainRatio + validationRatio + testRatio - 1) > 1e-9 {
      faults.append("train_ratio, val_ratio and test_ratio must add up to 1")
    }
    if maximumSteps == 0 {
      faults.append("max_steps is 0; give a positive number, or -1 for epochs")
    }
    if promptTemplate == .open && !scoresOptions {
      faults.append("prompt_template: open shows no letters; use it with score: option")
    }
    if precision == "bfloat16" {
      faults.append("precision: bfloat16 is not computed by this version; use float32")
    }
    guard faults.isEmpty else { throw ConfigurationError(faults) }
  }

  package func warmupSteps(of totalSteps: Int) -> Int {
    warmup < 1 ? Int((Double(totalSteps) * warmup).rounded(.up)) : Int(warmup)
  }

  /// The settings in the order of the keys.
  package var json: JSONValue {
    var object = JSONObject()
    for key in ConfigurationKey.all {
      if let value = values[key.name] { object[key.name] = .string(value.text) }
    }
    return .object(object)
  }

  /// config.yaml of a run: every key, and where its value came from.
  package var yaml: String {
    ConfigurationKey.all.compactMap { key in
      values[key.name].map { "\(key.name): \(quoted($0.text))  # \($0.source)\n" }
    }.joined()
  }

  private func quoted(_ text: String) -> String {
    let plain = text.allSatisfy { $0.isLetter || $0.isNumber || "._-/+".contains($0) }
    return plain && !text.isEmpty ? text : "'" + text.replacing("'", with: "''") + "'"
  }

  /// Why a checkpoint made with the settings `stored` cannot be continued with these; empty if it can.
  package func differences(from stored: JSONValue) -> [String] {
    ConfigurationKey.all.compactMap { key in
      guard key.isFixed, let now = values[key.name]?.text else { return nil }
      let then = stored[key.name]?.stringValue ?? "unknown"
      return then == now ? nil : "\(key.name) was \(then), now \(now)"
    }
  }
}

/// Turns the text of settings into values and collects what is wrong.
private struct ValueReader {
  let values: ConfigurationValues
  var faults: [String] = []

  private mutating func value(_ name: String) -> (
    key: ConfigurationKey, text: String, place: String
  )? {
    guard let key = ConfigurationKey.named(name) else {
      preconditionFailure("\(name) is not in the table of keys")
    }
    guard let value = values[name] else {
      faults.append("\(name) is missing: \(key.help); give it in the file or as \(key.flagName)")
      return nil
    }
    return (key, value.text, value.source)
  }

  mutating func text(_ name: String) -> String {
    guard let value = value(name) else { return "" }
    if value.text.isEmpty { faults.append("\(value.place): \(name) is empty") }
    return value.text
  }

  mutating func optionalText(_ name: String) -> String? {
    guard let text = value(name)?.text, !["none", "null", "", "~"].contains(text) else {
      return nil
    }
    return text
  }

  mutating func integer(_ name: String) -> Int {
    guard let (key, text, place) = value(name), case .integer(let range) = key.kind else {
      return 1
    }
    guard let number = Int(text), range.contains(number) else {
      faults.append("\(place): \(name) is '\(text)'; expected a whole number in \(range)")
      return range.lowerBound
    }
    return number
  }

  mutating func number(_ name: String) -> Double {
    guard let (key, text, place) = value(name), case .number(let range) = key.kind else { return 1 }
    guard let number = Double(text), range.contains(number) else {
      faults.append("\(place): \(name) is '\(text)'; expected a number in \(range)")
      return range.lowerBound
    }
    return number
  }

  mutating func flag(_ name: String) -> Bool {
    guard let (_, text, place) = value(name) else { return false }
    switch text.lowercased() {
    case "true", "yes", "on", "1": return true
    case "false", "no", "off", "0": return false
    default:
      faults.append("\(place): \(name) is '\(text)'; expected true or false")
      return false
    }
  }

  mutating func choice(_ name: String) -> String {
    guard let (key, text, place) = value(name), case .choice(let choices) = key.kind else {
      return ""
    }
    if !choices.contains(text) {
      faults.append("\(place): \(name) is '\(text)'; expected \(choices.joined(separator: ", "))")
    }
    return text
  }

  mutating func targets(_ name: String) -> [Projection] {
    guard let (_, text, place) = value(name) else { return [] }
    if text == "all-linear" { return Projection.allCases }
    var targets: [Projection] = []
    for word in text.split(separator: ",").map({ $0.filter { !$0.isWhitespace } }) {
      if let projection = Projection(name: word) {
        targets.append(projection)
      } else {
        let known = Projection.allCases.map(\.name).joined(separator: ", ")
        faults.append("\(place): target module '\(word)' matches nothing; known are \(known)")
      }
    }
    if targets.isEmpty && faults.isEmpty { faults.append("\(place): \(name) is empty") }
    return targets
  }
}
