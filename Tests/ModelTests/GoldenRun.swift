import Model
import TestSupport
import Testing

/// Why a golden case cannot be computed.
struct GoldenFault: Error {
  let description: String
}

private func need<Value>(_ value: Value?, _ what: String) throws(GoldenFault) -> Value {
  guard let value else { throw GoldenFault(description: "cases.json: \(what) is missing or wrong") }
  return value
}

/// Everything one golden case computes, against PyTorch, transformers and PEFT.
struct GoldenRun {
  let meta: JSONValue
  let expected: SafetensorsFile
  let model: QwenModel
  let layout: AdapterLayout
  let start: [Float]
  let sequences: [[Int32]]
  let prompts: [Int]

  /// Opens a case; throws where a part is missing, damaged or says something that no test would look at.
  init(_ golden: GoldenCase, _ precision: Precision = .float32) throws {
    meta = try golden.cases()
    expected = try SafetensorsFile(path: golden.folder + "/expected.safetensors")
    let configuration = try QwenConfiguration(modelFolder: golden.folder + "/model")
    let adapter = try AdapterFolder(path: golden.folder + "/adapter")
    layout = AdapterLayout(configuration, adapter.configuration)
    start = try adapter.parameters(layout)
    sequences = try need(meta["sequences"]?.arrayValue, "sequences").map { sequence in
      try need(sequence.arrayValue, "a sequence").map { token in
        let range = 0..<configuration.vocabularySize
        return Int32(try need(token.intValue.flatMap { range.contains($0) ? $0 : nil }, "a token"))
      }
    }
    prompts = try zip(need(meta["prompt_lengths"]?.arrayValue, "prompt_lengths"), sequences).map {
      length, sequence in
      let prompts = 1..<max(2, sequence.count + 1)
      return try need(
        length.intValue.flatMap { prompts.contains($0) ? $0 : nil }, "a prompt length")
    }
    guard !sequences.isEmpty, sequences.count == meta["prompt_lengths"]?.arrayValue?.count else {
      throw GoldenFault(description: "sequences and prompt_lengths do not fit each other")
    }
    model = try WeightLoader.load(
      WeightFolder(path: golden.folder + "/model"), configuration, layout: layout,
      longestSequence: sequences.map(\.count).max() ?? 0, precision: precision)
    try checkExpectations()
  }

  /// Every expected tensor is one that a test compares, and none of those is absent.
  private func checkExpectations() throws {
    var names = Set<String>()
    for index in sequences.indices { names.formUnion(["base_logits.\(index)", "logits.\(index)"]) }
    for tensor in layout.tensors {
      for prefix in ["grad.", "grad_answer.", "after."] {
        names.insert(Self.name(tensor, prefix))
      }
    }
    let odd = names.symmetricDifference(expected.tensors.keys).sorted()
    guard odd.isEmpty else {
      throw GoldenFault(description: "expected.safetensors: absent or unknown: \(odd)")
    }
    guard layout.configuration.rank == meta["r"]?.intValue,
      Double(layout.configuration.alpha) == meta["lora_alpha"]?.doubleValue
    else { throw GoldenFault(description: "cases.json and the adapter differ in r or lora_alpha") }
  }

  private static func name(_ tensor: AdapterTensor, _ prefix: String) -> String {
    prefix + "base_model.model." + tensor.name
  }

  func number(_ key: String) throws -> Double { try #require(meta[key]?.doubleValue, "\(key)") }

  func microBatches(answersOnly: Bool, packed: Bool) -> [MicroBatch] {
    var batches: [MicroBatch] = []
    var all = MicroBatch()
    for (sequence, prompt) in zip(sequences, prompts) {
      var one = MicroBatch()
      one.append(sequence, targetsFrom: answersOnly ? prompt : 1)
      all.append(sequence, targetsFrom: answersOnly ? prompt : 1)
      batches.append(one)
    }
    return packed ? [all] : batches
  }

  /// The mean loss of the window, and its gradient in `gradients`.
  func window(
    _ batches: [MicroBatch], adapter: borrowing FloatBuffer, gradients: borrowing FloatBuffer,
    _ activations: borrowing ActivationBuffer
  ) -> Double {
    gradients.zero()
    var lossSum = 0.0
    for batch in batches {
      lossSum += model.forwardBackward(
        batch, adapter: adapter, dropout: nil, accumulatingInto: gradients, activations)
    }
    let count = batches.map(\.targetRows.count).reduce(0, +)
    gradients.copy(from: gradients.array().map { $0 / Float(count) })
    return lossSum / Double(count)
  }

  /// Compares each tensor "<prefix><name>" with its part of `arena`.
  func expectTensors(_ arena: [Float], prefix: String, within tolerance: Double) throws {
    for tensor in layout.tensors {
      let name = Self.name(tensor, prefix)
      let reference = try #require(expected.floats(name), "\(name) is missing")
      let error = relativeError(Array(arena[tensor.range]), reference)
      #expect(error <= tolerance, "\(name)")
    }
  }

  /// The reference of every tensor "<prefix><name>", as one arena.
  func reference(_ prefix: String) throws -> [Float] {
    try layout.tensors.flatMap { tensor in
      try #require(expected.floats(Self.name(tensor, prefix)), "\(tensor.name) is missing")
    }
  }
}
