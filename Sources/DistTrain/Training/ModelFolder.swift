internal import Foundation
package import Model

/// What is read of a base model's folder before its weights: sizes, tokenizer, chat format.
package struct ModelFolder: Sendable {
  package let path: String
  package let sizes: QwenConfiguration
  package let tokenizer: Tokenizer
  package let chatTemplate: ChatTemplate
  /// What ends a generated answer.
  package let stopTokens: Set<Int32>

  /// Reads and checks the folder; only the chat template needs one that this program knows.
  ///
  /// - Parameter name: What the user calls it: a path, or a name in the local cache of models.
  package init(_ path: String, named name: String, template: PromptTemplate) throws {
    self.path = path
    guard FileManager.default.fileExists(atPath: path) else {
      throw CommandFailure(
        "the model folder \(path) does not exist, \(HubCache.own.advice(name))", exitCode: 66)
    }
    sizes = try QwenConfiguration(modelFolder: path)
    let file = path + "/tokenizer.json"
    guard FileManager.default.fileExists(atPath: file) else {
      throw CommandFailure("\(file) does not exist; copy it from the model's page", exitCode: 66)
    }
    tokenizer = try Tokenizer(path: file)
    guard tokenizer.vocabularySize <= sizes.vocabularySize else {
      throw CommandFailure(
        "\(file) has \(tokenizer.vocabularySize) tokens, the model's vocab_size is"
          + " \(sizes.vocabularySize): tokenizer and model do not fit", exitCode: 65)
    }
    chatTemplate =
      template == .chat
      ? try ChatTemplate(modelFolder: path, architecture: sizes.architecture) : .qwen25
    let turnEnd = template == .chat ? tokenizer.id(of: "<|im_end|>") : nil
    stopTokens = try StopTokens.read(modelFolder: path).union(turnEnd.map { [$0] } ?? [])
  }

  /// Maps the weights; `longest` is the longest sequence that will be computed.
  ///
  /// - Parameter prefetches: For one rank of each host.
  package func load(
    _ layout: AdapterLayout, longest: Int, precision: Precision, prefetches: Bool
  ) throws -> QwenModel {
    let folder = try WeightFolder(path: path)
    if prefetches { folder.prefetch() }
    return try WeightLoader.load(
      folder, sizes, layout: layout, longestSequence: longest, precision: precision)
  }
}
