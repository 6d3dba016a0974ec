internal import Checkpoints
package import Collective
internal import Foundation
package import Model

/// Where a run comes from: what must be the same for its checkpoints to be continued, and what is only recorded.
package struct Provenance: Sendable {
  private let configuration: RunConfiguration
  private let methodRecord: JSONObject
  private let tensors: [CheckpointTensor]
  /// Of the given model and of what is trained beside it.
  private let parameterCount: Int
  private let digests: InputDigests
  /// What every part of a run must share: model, tokenizer and data.
  package let identity: JSONObject

  package init(_ inputs: some TrainingInputs, _ digests: InputDigests) {
    configuration = inputs.configuration
    methodRecord = inputs.methodRecord
    tensors = inputs.tensors
    self.digests = digests
    parameterCount = inputs.parameterCount
    identity = [
      "model_type": .string(inputs.architecture),
      "base_parameters": .integer(inputs.baseParameterCount),
      "model_sha256": .string(digests.model), "tokenizer_sha256": .string(digests.tokenizer),
      "questions": .integer(inputs.dataset.questions.count),
      "dataset_sha256": .string(digests.dataset),
    ]
  }

  private var trainableCount: Int { tensors.reduce(0) { $0 + $1.elementCount } }

  /// What the checkpoint keeps: the identity, and the program and arithmetic that made it.
  package var json: JSONValue {
    var record: JSONObject = [
      "identity": .object(identity),
      "program": .string("disttrain \(DistTrain.version)"), "cpu": .string(Machine.cpuName),
      "blas_core": .string(BLAS.coreName),
      "products": .string(configuration.precision.productKernels),
      "threads_per_rank": .integer(configuration.threadsPerRank),
    ]
    for (key, value) in zip(methodRecord.keys, methodRecord.values) { record[key] = value }
    return .object(record)
  }

  /// Why a checkpoint with the provenance `stored` belongs to another run; empty if it does not.
  package func differences(from stored: JSONValue) -> [String] {
    identity.keys.compactMap { key in
      let (then, now) = (stored["identity"]?[key] ?? .null, identity[key] ?? .null)
      return then == now ? nil : "\(key) was \(then.text()), now \(now.text())"
    }
  }

  /// What else computes than where the provenance `stored` comes from, so that last digits may differ from here on.
  package func changes(from stored: JSONValue) -> [String] {
    let arithmetic = [
      ("cpu", Machine.cpuName), ("blas_core", BLAS.coreName),
      ("products", configuration.precision.productKernels),
    ]
    return arithmetic.compactMap { key, now in
      guard let then = stored[key]?.stringValue, then != now else { return nil }
      return "\(key) was \(then), now \(now)"
    }
  }

  /// What all ranks must have alike before the first step; `start` is what they start from.
  package func handshakeFields(start: borrowing FloatBuffer) -> [HandshakeField] {
    let copy = "copy the same files to all hosts (cluster/bootstrap does)"
    let layout = tensors.map { "\($0.name) \($0.rows) \($0.columns)" }
    return [
      HandshakeField(
        "configuration", FileDigest.digest(of: Array(configuration.json.text().utf8)),
        cure: "start all ranks with the same settings"),
      HandshakeField("model", digests.model, cure: copy),
      HandshakeField("tokenizer", digests.tokenizer, cure: copy),
      HandshakeField("dataset", digests.dataset, cure: copy),
      HandshakeField(
        "layout", FileDigest.digest(of: Array(layout.joined(separator: "\n").utf8)), cure: copy),
      HandshakeField("start", FileDigest.digest(of: start), cure: copy),
      HandshakeField(
        "blas_core", BLAS.coreName,
        cure: "export OPENBLAS_CORETYPE with one of these names on all hosts"),
      HandshakeField(
        "products", configuration.precision.productKernels,
        cure: configuration.precision == .float32
          ? "export OPENBLAS_CORETYPE with one name on all hosts, which leaves products to OpenBLAS"
          : "install the same oneDNN on hosts with the same processors, or use precision: float32"),
    ]
  }

  /// env.json of a run: everything a reader needs to judge or repeat it.
  package func environment(hosts: [String]) -> JSONValue {
    .object([
      "program": .string("disttrain \(DistTrain.version)"), "mpi": .string(Machine.mpiLibrary),
      "blas": .string("OpenBLAS"), "blas_core": .string(BLAS.coreName),
      "products": .string(configuration.precision.productKernels),
      "cpu": .string(Machine.cpuName), "cores": .integer(Machine.coreCount),
      "memory_bytes": .integer(Machine.memoryBytes), "system": .string(Machine.system),
      "ranks": .integer(hosts.count), "hosts": .array(hosts.map(JSONValue.string)),
      "threads_per_rank": .integer(configuration.threadsPerRank),
      "model": .string(configuration.modelPath),
      "dataset": .string(configuration.datasetPath), "parameters": .integer(parameterCount),
      "trainable_parameters": .integer(trainableCount), "identity": .object(identity),
    ])
  }
}
