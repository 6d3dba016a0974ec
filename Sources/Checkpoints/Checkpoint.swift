/// One trained tensor, in PEFT's spelling and orientation.
package struct CheckpointTensor: Sendable, Hashable {
  /// For example `layers.3.self_attn.q_proj.lora_A`: the module, a full stop, the tensor.
  package let name: String
  package let rows: Int, columns: Int

  package init(name: String, rows: Int, columns: Int) {
    self.name = name
    self.rows = rows
    self.columns = columns
  }

  package var shape: [Int] { [rows, columns] }
  package var elementCount: Int { rows * columns }
}

/// Everything that is needed to continue a run as if it had not stopped, at the end of an accumulation window.
package struct Checkpoint: Sendable, Equatable {
  /// What the three buffers contain, one tensor behind the other in this order.
  package var tensors: [CheckpointTensor]
  package var parameters: [Float]
  package var firstMoment: [Float]
  package var secondMoment: [Float]

  /// Optimizer steps done.
  package var step: Int
  package var epoch: Int
  /// Windows of this epoch done.
  package var windowInEpoch: Int
  /// The steps of the whole run, which the learning-rate schedule depends on.
  package var totalSteps: Int
  package var seed: UInt64
  package var tokensSeen: Int

  /// The resolved configuration, as JSON.
  package var configuration: String
  /// Where the run comes from, as JSON: model, tokenizer and data set digests, versions, machine.
  package var provenance: String
  /// The lines of metrics.jsonl so far, without line ends.
  package var history: [String]
  /// Further state of the trainer, as JSON that this layer does not look into.
  package var state: String

  package init(
    tensors: [CheckpointTensor], parameters: [Float], firstMoment: [Float], secondMoment: [Float],
    step: Int, epoch: Int, windowInEpoch: Int, totalSteps: Int, seed: UInt64, tokensSeen: Int,
    configuration: String, provenance: String, history: [String], state: String
  ) {
    self.tensors = tensors
    self.parameters = parameters
    self.firstMoment = firstMoment
    self.secondMoment = secondMoment
    self.step = step
    self.epoch = epoch
    self.windowInEpoch = windowInEpoch
    self.totalSteps = totalSteps
    self.seed = seed
    self.tokensSeen = tokensSeen
    self.configuration = configuration
    self.provenance = provenance
    self.history = history
    self.state = state
  }
}

extension Checkpoint {
  /// Why this cannot be a checkpoint, as the rest of a sentence; nil if it can.
  ///
  /// Written and read checkpoints pass the same test, so whatever was written can be read.
  var fault: String? {
    if let fault = Self.fault(in: tensors) { return fault }
    let elements = tensors.reduce(0) { $0 + $1.elementCount }
    let buffers = [
      ("parameters", parameters), ("firstMoment", firstMoment), ("secondMoment", secondMoment),
    ]
    for (name, buffer) in buffers where buffer.count != elements {
      return "\(name) has \(buffer.count) elements, but the tensors have \(elements)"
    }
    let numbers = [
      ("step", step), ("epoch", epoch), ("windowInEpoch", windowInEpoch),
      ("totalSteps", totalSteps), ("tokensSeen", tokensSeen),
    ]
    for (name, number) in numbers where number < 0 { return "\(name) is negative: \(number)" }
    if let line = history.firstIndex(where: { $0.utf8.contains(UInt8(ascii: "\n")) }) {
      return "line \(line + 1) of the history contains a line end"
    }
    return nil
  }

  /// Why these tensors cannot be stored, as the rest of a sentence; nil if they can.
  static func fault(in tensors: [CheckpointTensor]) -> String? {
    if tensors.isEmpty { return "there is no tensor" }
    var names: Set<String> = []
    var total = 0
    for tensor in tensors {
      guard isPlain(tensor.name) else {
        return "\"\(tensor.name)\" is not a tensor's name: at least two words of letters, digits, "
          + "'_' or '-', with full stops between them, at most 255 characters in all"
      }
      guard names.insert(tensor.name).inserted else { return "\(tensor.name) occurs twice" }
      let (count, overflow) = tensor.rows.multipliedReportingOverflow(by: tensor.columns)
      let (sum, sumOverflow) = total.addingReportingOverflow(count)
      guard tensor.rows > 0, tensor.columns > 0, !overflow, !sumOverflow else {
        return "\(tensor.name) has the impossible shape \(tensor.shape)"
      }
      total = sum
    }
    return nil
  }

  /// The words become names in the file, so nothing that HDF5 reads as a path may pass.
  private static func isPlain(_ name: String) -> Bool {
    let words = name.split(separator: ".", omittingEmptySubsequences: false)
    return name.utf8.count <= 255 && words.count >= 2
      && words.allSatisfy { word in
        !word.isEmpty
          && word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
              UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
              true
            default: false
            }
          }
      }
  }
}
