package import Model

/// SHA-256 of everything a run reads, in hexadecimal.
package struct InputDigests: Sendable, Equatable {
  package let model: String, tokenizer: String, dataset: String

  /// Reads the files; the weights once per state of them, see `FileDigest`.
  package init(_ inputs: some TrainingInputs) throws(ModelError) {
    model = try FileDigest.digest(ofFiles: inputs.weightFiles())
    tokenizer = try FileDigest.digest(ofFile: inputs.tokenizerFile)
    dataset = try FileDigest.digest(ofFile: inputs.configuration.datasetPath)
  }

  /// For another rank of the same host.
  package var bytes: [UInt8] { Array([model, tokenizer, dataset].joined(separator: "\n").utf8) }

  package init(bytes: [UInt8]) {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    precondition(lines.count == 3, "three digests were sent")
    (model, tokenizer, dataset) = (lines[0], lines[1], lines[2])
  }
}
