import Model
import TestSupport
import Testing

/// Everything one golden case of an encoder computes, against PyTorch and transformers.
struct EncoderGoldenRun {
  let meta: JSONValue
  let expected: SafetensorsFile
  let model: EncoderModel
  let batch: ChoiceBatch
  /// The parameters to begin with.
  let start: [Float]
  private let smoothing: Double

  /// Opens a case; throws where a part is missing, damaged or says something that no test would look at.
  init(_ golden: GoldenCase, _ precision: Precision = .float32) throws {
    let folder = golden.folder + "/model"
    meta = try golden.cases()
    expected = try SafetensorsFile(path: golden.folder + "/expected.safetensors")
    model = EncoderModel(try EncoderConfiguration(modelFolder: folder), precision: precision)
    start = try model.parameters(folder: folder, seed: 0).array()
    batch = try Self.batch(meta)
    smoothing = try #require(meta["label_smoothing"]?.doubleValue)
    var names: Set<String> = ["logits"]
    for tensor in model.layout.tensors {
      names.formUnion(["grad." + tensor.name, "after." + tensor.name])
    }
    let odd = names.symmetricDifference(expected.tensors.keys).sorted()
    guard odd.isEmpty else {
      throw GoldenFault(description: "expected.safetensors: absent or unknown: \(odd)")
    }
  }

  /// The questions without their padding.
  private static func batch(_ meta: JSONValue) throws -> ChoiceBatch {
    let keys = ["input_ids", "token_type_ids", "attention_mask", "labels"]
    let lists = try keys.map { try #require(meta[$0]?.arrayValue, "\($0)") }
    try #require(!lists[0].isEmpty && lists.allSatisfy { $0.count == lists[0].count })
    var batch = ChoiceBatch()
    for question in lists[0].indices {
      let options = try lists[..<3].map { try #require($0[question].arrayValue) }
      let pairs = try options[0].indices.map { option in
        let parts = try options.map {
          try #require($0[option].arrayValue?.compactMap { $0.intValue.map { Int32($0) } })
        }
        let kept = parts[2].indices.filter { parts[2][$0] == 1 }
        return EncodedPair(tokens: kept.map { parts[0][$0] }, types: kept.map { parts[1][$0] })
      }
      let answer: Int = try #require(lists[3][question].intValue)
      batch.append(pairs, answer: answer)
    }
    return batch
  }

  func number(_ key: String) throws -> Double { try #require(meta[key]?.doubleValue, "\(key)") }

  /// Questions one by one, or all in one micro-batch.
  func batches(packed: Bool) -> [ChoiceBatch] {
    packed ? [batch] : batch.separated
  }

  /// The mean loss of the window, and its gradient in `gradients`.
  func window(
    _ batches: [ChoiceBatch], smoothing: Double? = nil, parameters: borrowing FloatBuffer,
    gradients: borrowing FloatBuffer, _ activations: borrowing EncoderActivations
  ) -> Double {
    gradients.zero()
    var lossSum = 0.0
    for batch in batches {
      lossSum += model.forwardBackward(
        batch, parameters: parameters, dropout: nil,
        loss: ChoiceLoss(smoothing: smoothing ?? self.smoothing), accumulatingInto: gradients,
        activations)
    }
    gradients.copy(from: gradients.array().map { $0 / Float(batch.questions.count) })
    return lossSum / Double(batch.questions.count)
  }

  /// The distance of each tensor of `arena` from "<prefix><name>", as a share of the reference's length.
  ///
  /// - Parameter floor: Shorter references count as this long: keys' biases change no probability, so that their
  ///   gradient is rounding alone.
  func errors(
    _ arena: [Float], prefix: String, floor: Double
  ) throws -> [(name: String, error: Double)] {
    try model.layout.tensors.map { tensor in
      let reference = try #require(expected.floats(prefix + tensor.name), "\(tensor.name)")
      let actual = Array(arena[tensor.range])
      let size = Self.length(reference)
      return (tensor.name, relativeError(actual, reference) * min(1, size / max(size, floor)))
    }
  }

  static func length(_ values: [Float]) -> Double {
    values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }
}
