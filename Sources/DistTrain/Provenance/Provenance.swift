internal import Collective
internal import Foundation
package import Model

/// Where a run comes from: what must be the same for its checkpoints to be continued, and what is only recorded.
package struct Provenance: Sendable {
  package let modelDigest: String, tokenizerDigest: String, datasetDigest: String
  private let inputs: RunInputs

  /// Reads the base weights once per state of their files; see `FileDigest`.
  package init(_ inputs: RunInputs) throws {
    let folder = inputs.configuration.modelPath
    self.inputs = inputs
    modelDigest = try FileDigest.digest(
      ofFiles: WeightFolder(path: folder).filePaths + [folder + "/config.json"])
    tokenizerDigest = try FileDigest.digest(ofFile: folder + "/tokenizer.json")
    datasetDigest = try FileDigest.digest(ofFile: inputs.configuration.datasetPath)
  }

  /// What every part of a run must share: model, tokenizer and data.
  package var identity: JSONObject {
    [
      "model_type": .string(inputs.model.architecture.rawValue),
      "base_parameters": .integer(inputs.model.parameterCount),
      "model_sha256": .string(modelDigest), "tokenizer_sha256": .string(tokenizerDigest),
      "questions": .integer(inputs.dataset.questions.count),
      "dataset_sha256": .string(datasetDigest),
    ]
  }

  /// What the checkpoint keeps: the identity, and the program and arithmetic that made it.
  package var json: JSONValue {
    .object([
      "identity": .object(identity),
      "program": .string("disttrain \(DistTrain.version)"), "cpu": .string(Machine.cpuName),
      "blas_core": .string(BLAS.coreName),
      "threads_per_rank": .integer(inputs.configuration.threadsPerRank),
    ])
  }

  /// Why a checkpoint with the provenance `stored` belongs to another run; empty if it does not.
  package func differences(from stored: JSONValue) -> [String] {
    identity.keys.compactMap { key in
      let (then, now) = (stored["identity"]?[key] ?? .null, identity[key] ?? .null)
      return then == now ? nil : "\(key) was \(then.text()), now \(now.text())"
    }
  }

  /// env.json of a run: everything a reader needs to judge or repeat it.
  package func environment(hosts: [String]) -> JSONValue {
    .object([
      "program": .string("disttrain \(DistTrain.version)"), "mpi": .string(Machine.mpiLibrary),
      "blas": .string("OpenBLAS"), "blas_core": .string(BLAS.coreName),
      "cpu": .string(Machine.cpuName), "cores": .integer(Machine.coreCount),
      "memory_bytes": .integer(Machine.memoryBytes), "system": .string(Machine.system),
      "ranks": .integer(hosts.count), "hosts": .array(hosts.map(JSONValue.string)),
      "threads_per_rank": .integer(inputs.configuration.threadsPerRank),
      "model": .string(inputs.configuration.modelPath),
      "dataset": .string(inputs.configuration.datasetPath), "identity": .object(identity),
    ])
  }
}
