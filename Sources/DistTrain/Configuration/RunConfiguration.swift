package import Model

/// Every setting of a run, typed and checked.
package struct RunConfiguration: Sendable, Equatable {
  package let values: ConfigurationValues
  /// What model_name_or_path says, and the folder that it means on this host.
  package let modelName: String, modelPath: String
  /// What config.json in that folder says; nil where it cannot be read, which is told when the model is needed.
  package let modelType: String?
  package let datasetPath: String, outputPath: String
  package let overwritesOutput: Bool
  package let initialAdapter: String?, resumeFrom: String?
  package let precision: Precision
  package let checkpointing: ActivationCheckpointing
  package let tokensPerPass: Int
  package let overlap: OverlapTrial.Choice
  package let threadsPerRank: Int
  package let split: String
  package let folds: String?
  package let trainRatio: Double, validationRatio: Double, testRatio: Double
  package let optionOrder: OptionOrder
  package let promptTemplate: PromptTemplate
  package let score: ScoreRule
  package let maximumNewTokens: Int
  package let isAuditStrict: Bool, scoresControls: Bool
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
  package let labelSmoothing: Double
  /// How often a question with the label Negated stands in an epoch.
  package let negatedCount: Int
  package let lora: LoRAConfiguration
  package let watchdogSeconds: Double
  package let continuesWithoutSaving: Bool
  package let desyncCheckSteps: Int
  package let bestMetric: BestMetric
  package let loadsBest: Bool
  package let patience: Int
  package let reportsToTensorBoard: Bool
  package let validationTime: ValidationTime
  package let loggingSteps: Int, evaluationSteps: Int, saveSteps: Int, saveLimit: Int

  /// Types every value; throws one error that lists all faults with their places.
  package init(_ values: ConfigurationValues) throws(ConfigurationError) {
    var reader = ValueReader(values: values)
    self.values = values
    modelName = reader.path("model_name_or_path")
    modelPath = HubCache.own.resolve(modelName)
    modelType = Self.modelType(modelPath)
    let isEncoder = modelType.map(EncoderConfiguration.isEncoder(modelType:)) ?? false
    datasetPath = reader.path("dataset_path")
    outputPath = reader.path("output_dir")
    overwritesOutput = reader.flag("overwrite_output_dir")
    initialAdapter = reader.optionalPath("init_adapter")
    resumeFrom = reader.optionalPath("resume_from_checkpoint", whenTrue: "auto")
    precision = reader.choice("precision", or: .float32)
    checkpointing = reader.choice("activation_checkpointing", or: .none)
    tokensPerPass = reader.integer("tokens_per_pass")
    overlap = reader.choice("overlap_all_reduce", or: .auto)
    threadsPerRank = reader.integer("threads_per_rank")
    split = reader.path("split")
    folds = reader.optionalPath("folds")
    trainRatio = reader.number("train_ratio")
    validationRatio = reader.number("val_ratio")
    testRatio = reader.number("test_ratio")
    optionOrder = reader.choice("option_order", or: .shuffled)
    promptTemplate = reader.choice("prompt_template", or: .plain)
    score = isEncoder ? .logit : reader.choice("score", or: .letter)
    maximumNewTokens = reader.integer("max_new_tokens")
    (isAuditStrict, scoresControls) = (reader.flag("strict_audit"), reader.flag("score_controls"))
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
    scheduleShape = reader.choice("lr_scheduler_type", or: .linear)
    warmup = reader.number("warmup_steps")
    weightDecay = reader.number("weight_decay")
    maximumGradientNorm = reader.number("max_grad_norm")
    labelSmoothing = reader.number("label_smoothing_factor")
    negatedCount = reader.integer("oversample_negated")
    lora = reader.lora()
    reportsToTensorBoard = reader.choice("report_to") == "tensorboard"
    loggingSteps = reader.integer("logging_steps")
    validationTime = reader.choice("eval_strategy", or: .steps)
    evaluationSteps = reader.integer("eval_steps")
    bestMetric = reader.choice("metric_for_best_model", or: .loss)
    loadsBest = reader.flag("load_best_model_at_end")
    patience = reader.integer("early_stopping_patience")
    saveSteps = reader.integer("save_steps")
    saveLimit = reader.integer("save_total_limit")
    continuesWithoutSaving = reader.choice("on_save_failure") == "continue"
    watchdogSeconds = reader.number("watchdog_seconds")
    desyncCheckSteps = reader.integer("desync_check_steps")
    let faults =
      values.faults + reader.faults + Self.contradictions(self, reader) + misplacedSettings
    guard faults.isEmpty else { throw ConfigurationError(faults) }
  }

  /// What is wrong between settings that are each right.
  private static func contradictions(
    _ configuration: RunConfiguration, _ reader: ValueReader
  ) -> [String] {
    var faults: [String] = []
    let ratios = ["train_ratio", "val_ratio", "test_ratio"]
    let sum = configuration.trainRatio + configuration.validationRatio + configuration.testRatio
    if abs(sum - 1) > 1e-9 && reader.areRight(ratios) {
      faults.append(
        "train_ratio, val_ratio and test_ratio must add up to 1; "
          + "\(ratios.compactMap { configuration.values[$0]?.text }.joined(separator: " + "))"
          + " is \(Float(sum))")
    }
    if configuration.maximumSteps == 0 && reader.areRight(["max_steps"]) {
      faults.append("max_steps is 0; give a positive number, or -1 for epochs")
    }
    let warmup = configuration.warmup
    if warmup > 1 && warmup != warmup.rounded() {
      faults.append(
        "\(configuration.values["warmup_steps"]?.source ?? "default"): warmup_steps is \(warmup);"
          + " give whole steps, or a share below 1")
    }
    if configuration.promptTemplate == .open && !configuration.score.readsTexts
      && reader.areRight(["score"])
    {
      faults.append("prompt_template: open shows no letters; use it with score: option")
    }
    if configuration.folds != nil, let resume = configuration.resumeFrom, resume != "auto" {
      faults.append("folds are resumed with resume_from_checkpoint: auto, not from one file")
    }
    for (name, isWanted) in [
      ("load_best_model_at_end", configuration.loadsBest),
      ("early_stopping_patience", configuration.patience > 0),
    ]
    where isWanted && reader.areRight(["eval_steps", "val_ratio"]) {
      if configuration.validationSteps(perEpoch: 1) == 0 {
        faults.append("\(name) needs validations; give eval_steps, or eval_strategy: epoch")
      }
    }
    if let obstacle = configuration.precision.obstacle {
      let source = configuration.values["precision"]?.source ?? "default"
      faults.append("\(source): precision: \(configuration.precision.rawValue): \(obstacle)")
    }
    return faults
  }

  /// The same run with other values of some settings.
  package func changing(
    _ changes: [String: String], source: String
  ) throws(ConfigurationError) -> RunConfiguration {
    try RunConfiguration(values.changing(changes, source: source))
  }

  package func warmupSteps(of totalSteps: Int) -> Int {
    warmup < 1 ? Int((Double(totalSteps) * warmup).rounded(.up)) : Int(warmup)
  }

  /// The settings that checkpoints keep, in the order of the keys.
  package var json: JSONValue {
    var object = JSONObject()
    for key in ConfigurationKey.all where key.isKept && applies(key) {
      if let value = values[key.name] { object[key.name] = .string(value.text) }
    }
    return .object(object)
  }

  /// config.yaml of a run: every key, and where its value came from.
  package var yaml: String {
    ConfigurationKey.all.filter(applies).compactMap { key in
      values[key.name].map {
        let source = $0.source.map { $0.isNewline ? " " : $0 }
        return "\(key.name): \(Self.quoted($0.text))  # \(String(source))\n"
      }
    }.joined()
  }

  /// A scalar that reads back as `text`: bare where YAML cannot take it for anything else, else in double quotes.
  static func quoted(_ text: String) -> String {
    let isWord = text.utf8.allSatisfy {
      $0 < 0x80 && (Character(Unicode.Scalar($0)).isLetter || "0123456789._-/+".utf8.contains($0))
    }
    let isPlain = isWord && text.lowercased() != "null"
    let starts = text.first.map { $0 != "-" || ConfigurationKey.number(text) != nil } ?? false
    guard !(isPlain && starts) else { return text }
    let escaped = text.unicodeScalars.map { scalar in
      switch scalar {
      case "\"", "\\": return "\\" + String(scalar)
      case " "..."~": return String(scalar)
      default:
        let digits = String(scalar.value, radix: 16)
        return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
      }
    }
    return "\"" + escaped.joined() + "\""
  }

  /// Why a checkpoint made with the settings `stored` cannot be continued with these; empty if it can.
  package func differences(from stored: JSONValue) -> [String] {
    changes(from: stored, fixed: true)
  }

  /// What has changed since `stored` and takes effect from here on.
  package func changes(from stored: JSONValue) -> [String] { changes(from: stored, fixed: false) }

  private func changes(from stored: JSONValue, fixed: Bool) -> [String] {
    ConfigurationKey.all.compactMap { key in
      guard key.isKept, key.isFixed == fixed, applies(key), let now = values[key.name]?.text else {
        return nil
      }
      let then = stored[key.name]?.stringValue ?? "unknown"
      return key.means(now, sameAs: then) ? nil : "\(key.name) was \(then), now \(now)"
    }
  }
}
