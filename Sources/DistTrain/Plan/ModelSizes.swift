internal import Foundation
package import Model

/// What config.json and the weight files of a model folder say, as far as they are there.
package struct ModelSizes: Sendable {
  package let path: String
  package let configuration: QwenConfiguration
  package let layout: AdapterLayout
  /// Bytes of the weight files, or what they will have where there are none yet.
  package let weightBytes: Int
  package let hasWeights: Bool
  /// The number type of the weights.
  package let elementType: ElementType

  package init(_ path: String, _ lora: LoRAConfiguration) throws {
    guard FileManager.default.fileExists(atPath: path + "/config.json") else {
      throw CommandFailure(
        "\(path)/config.json does not exist, of which a plan needs no more, "
          + HubCache.own.advice(path), exitCode: 66)
    }
    self.path = path
    configuration = try QwenConfiguration(modelFolder: path)
    layout = AdapterLayout(configuration, lora)
    let names = ["model.safetensors", "model.safetensors.index.json"]
    hasWeights = names.contains { FileManager.default.fileExists(atPath: path + "/" + $0) }
    if hasWeights {
      let folder = try WeightFolder(path: path)
      weightBytes = try Self.fileBytes(folder)
      elementType = try folder.matrix(
        "model.embed_tokens.weight", configuration.vocabularySize, configuration.hiddenSize
      ).elementType
    } else {
      elementType = try Self.elementType(path)
      weightBytes = configuration.parameterCount * elementType.byteCount
    }
  }

  /// What passes of several micro-batches need, where the model allows them.
  package func joining(_ plan: ActivationPlan, _ run: RunConfiguration) -> ActivationPlan {
    let tokens = tokensPerPass(run)
    return tokens > 0 ? plan.joining(tokens: tokens) : plan
  }

  /// Tokens of micro-batches that go through the model together, at most; 0 where each goes by itself.
  package func tokensPerPass(_ run: RunConfiguration) -> Int {
    configuration.computesRowsAlone(elementType, run.precision) ? run.tokensPerPass : 0
  }

  private static func fileBytes(_ folder: WeightFolder) throws -> Int {
    try folder.filePaths.reduce(0) { sum, path in
      let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber
      return sum + (size?.intValue ?? 0)
    }
  }

  /// The number type that config.json names; Qwen's files are in bfloat16.
  private static func elementType(_ path: String) throws -> ElementType {
    let json = try JSONParser.parse(InputFile.bytes(path + "/config.json"))
    let type = (json["torch_dtype"] ?? json["dtype"])?.stringValue
    return type == "float32" ? .float32 : type == "float16" ? .float16 : .bfloat16
  }
}
