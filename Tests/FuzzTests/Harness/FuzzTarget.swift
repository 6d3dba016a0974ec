/// The readers of one kind of input, each given bytes that it must accept or refuse.
///
/// The first byte of an input chooses among the readers, the others are what is read.
package enum FuzzTarget: String, CaseIterable, Sendable {
  case safetensors, tokenizer, encoder, configuration, dataset, checkpoint

  /// Whether `input` was accepted; throws `FuzzFinding` where what was accepted breaks its promise.
  package func accepts(_ input: [UInt8], in folder: ScratchFolder) throws -> Bool {
    guard let choice = input.first else { return false }
    let content = Array(input.dropFirst())
    switch self {
    case .safetensors: return try SafetensorsReading(folder: folder).accepts(content, choice)
    case .tokenizer: return try TokenizerReading(folder: folder).accepts(content, choice)
    case .encoder: return try EncoderReading(folder: folder).accepts(content, choice)
    case .configuration: return try ConfigurationReading(folder: folder).accepts(content, choice)
    case .dataset: return try DatasetReading(folder: folder).accepts(content, choice)
    case .checkpoint: return try CheckpointReading(folder: folder).accepts(content, choice)
    }
  }
}

/// What must hold of every accepted input and does not of this one.
package struct FuzzFinding: Error, CustomStringConvertible {
  package let description: String

  static func require(_ condition: Bool, _ description: @autoclosure () -> String) throws {
    if !condition { throw FuzzFinding(description: description()) }
  }
}
