package import Model

/// When a run validates.
package enum ValidationTime: String, Sendable, CaseIterable {
  /// After every `eval_steps` steps.
  case steps
  /// After each epoch.
  case epoch
  case never = "no"
}

extension RunConfiguration {
  /// Whether the model is an encoder, all of whose parameters are trained, and not a decoder with an adapter.
  package var isEncoder: Bool { modelType.map(EncoderConfiguration.isEncoder(modelType:)) ?? false }

  /// The same of the model in a folder.
  static func isEncoder(_ folder: String) -> Bool {
    modelType(folder).map(EncoderConfiguration.isEncoder(modelType:)) ?? false
  }

  /// Steps from one validation to the next; 0 for none.
  package func validationSteps(perEpoch windows: Int) -> Int {
    switch validationTime {
    case .steps: evaluationSteps
    case .epoch: windows
    case .never: 0
    }
  }

  /// How a question became text; null for an encoder, which has one way.
  package var promptName: JSONValue { isEncoder ? .null : .string(promptTemplate.rawValue) }

  static func modelType(_ folder: String) -> String? {
    do {
      let bytes = try InputFile.bytes(folder + "/config.json", limit: 1 << 24)
      return try JSONParser.parse(bytes)["model_type"]?.stringValue
    } catch { return nil }
  }

  /// Whether a setting means something for the model; every one does as long as the model is not known.
  func applies(_ key: ConfigurationKey) -> Bool {
    switch key.scope {
    case .all: true
    case .adapters: !isEncoder
    case .encoders: modelType == nil || isEncoder
    }
  }

  /// Settings that were given though the model has no use for them.
  var misplacedSettings: [String] {
    ConfigurationKey.all.compactMap { key in
      guard let value = values[key.name], value.source != "default", !applies(key),
        key.kind != .optionalText || value.text != key.fallback
      else { return nil }
      let model = "\(modelName) is of type \(modelType ?? "none")"
      let reason =
        isEncoder
        ? "is for adapters; \(model), an encoder, all of whose parameters are trained"
        : "is for encoders; \(model), which gets an adapter"
      return "\(value.source): \(key.name) \(reason); leave it out"
    }
  }
}
