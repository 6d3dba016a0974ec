import Model
import TestSupport
import Testing

/// Everything one golden case computes, against PyTorch, transformers and PEFT.
struct GoldenRun {
  let meta: JSONValue
  let expected: SafetensorsFile
  let model: QwenModel
  let layout: AdapterLayout
  let start: [Float]
  let sequences: [[Int32]]
  let prompts: [Int]

  init(_ golden: GoldenCase) throws {
    meta = try golden.cases()
    expected = try SafetensorsFile(path: golden.folder + "/expected.safetensors")
    let configuration = try QwenConfiguration(modelFolder: golden.folder + "/model")
    let adapter = try AdapterFolder(path: golden.folder + "/adapter")
    layout = AdapterLayout(configuration, adapter.configuration)
    start = try adapter.parameters(layout)
    sequences = (meta["sequences"]?.arrayValue ?? []).map { sequence in
      (sequence.arrayValue ?? []).map { Int32($0.intValue ?? -1) }
    }
    prompts = (meta["prompt_lengths"]?.arrayValue ?? []).compactMap(\.intValue)
    model = try WeightLoader.load(
      WeightFolder(path: golden.folder + "/model"), configuration, layout: layout,
      longestSequence: sequences.map(\.count).max() ?? 0)
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

  /// The worst relative error over the tensors "<prefix><name>".
  func worstError(_ arena: [Float], prefix: String) throws -> (String, Double) {
    var worst = ("none", 0.0)
    for tensor in layout.tensors {
      let name = prefix + "base_model.model." + tensor.name
      let reference = try #require(expected.floats(name), "\(name) is missing")
      let error = relativeError(Array(arena[tensor.range]), reference)
      if !(error <= worst.1) { worst = (name, error) }
    }
    return worst
  }
}

struct QwenModelGoldenTests {
  @Test func `Golden folder has cases`() {
    #expect(!GoldenCase.decoders.isEmpty, "no golden case under \(GoldenCase.root)")
  }

  @Test(arguments: GoldenCase.decoders)
  func `Golden logits`(golden: GoldenCase) throws {
    let run = try GoldenRun(golden)
    try #require(run.sequences.count == run.prompts.count && !run.sequences.isEmpty)
    for (index, sequence) in run.sequences.enumerated() {
      var batch = MicroBatch()
      batch.append(sequence)
      for row in sequence.indices { batch.addTarget(0, afterRow: row) }
      let activations = ActivationBuffer(
        ActivationPlan(fitting: [batch], keepsForBackward: false), for: run.model)
      let adapter = FloatBuffer(count: run.layout.count)
      let base = run.model.logits(batch, adapter: adapter, activations)
      adapter.copy(from: run.start)
      let adapted = run.model.logits(batch, adapter: adapter, activations)
      let baseReference = try #require(run.expected.floats("base_logits.\(index)"))
      let adaptedReference = try #require(run.expected.floats("logits.\(index)"))
      #expect(relativeError(base, baseReference) < 1e-4)
      #expect(relativeError(adapted, adaptedReference) < 1e-4)
    }
  }

  @Test(arguments: GoldenCase.decoders, [false, true])
  func `Golden loss and gradients, all tokens and answers alone`(
    golden: GoldenCase, answersOnly: Bool
  ) throws {
    let run = try GoldenRun(golden)
    let key = answersOnly ? "answer" : "full"
    for packed in [false, true] {
      let batches = run.microBatches(answersOnly: answersOnly, packed: packed)
      let activations = ActivationBuffer(
        ActivationPlan(fitting: batches, keepsForBackward: true), for: run.model)
      let adapter = FloatBuffer(count: run.layout.count)
      let gradients = FloatBuffer(count: run.layout.count)
      adapter.copy(from: run.start)
      let loss = run.window(batches, adapter: adapter, gradients: gradients, activations)
      let count = batches.map(\.targetRows.count).reduce(0, +)
      #expect(count == run.meta["predicted_tokens_\(key)"]?.intValue)
      #expect(abs(loss / (try run.number("loss_\(key)")) - 1) < 1e-5)
      let norm = GradientClipping.norm(gradients)
      #expect(abs(norm / (try run.number("grad_norm_\(key)")) - 1) < 1e-4)
      let (name, error) = try run.worstError(
        gradients.array(), prefix: answersOnly ? "grad_answer." : "grad.")
      #expect(error <= 2e-4, "\(name): \(error)")
    }
  }

  @Test(arguments: GoldenCase.decoders)
  func `Golden trajectory and adapters after it`(golden: GoldenCase) throws {
    let run = try GoldenRun(golden)
    let batches = run.microBatches(answersOnly: false, packed: false)
    let activations = ActivationBuffer(
      ActivationPlan(fitting: batches, keepsForBackward: true), for: run.model)
    let adapter = FloatBuffer(count: run.layout.count)
    let gradients = FloatBuffer(count: run.layout.count)
    let first = FloatBuffer(count: run.layout.count)
    let second = FloatBuffer(count: run.layout.count)
    adapter.copy(from: run.start)
    let steps = try #require(run.meta["trajectory"]?.arrayValue)
    #expect(!steps.isEmpty && steps.count == run.meta["steps"]?.intValue)
    let schedule = LearningRateSchedule(
      shape: .linear, peak: try run.number("learning_rate"),
      warmupSteps: Int(try run.number("warmup_steps")), totalSteps: steps.count)
    let optimizer = AdamW(weightDecay: Float(try run.number("weight_decay")))
    for (index, reference) in steps.enumerated() {
      let loss = run.window(batches, adapter: adapter, gradients: gradients, activations)
      let norm = GradientClipping.norm(gradients)
      let rate = schedule.learningRate(ofStep: index + 1)
      let value = { (key: String) in try #require(reference[key]?.doubleValue) }
      #expect(abs(loss / (try value("loss")) - 1) < 1e-3)
      #expect(abs(norm / (try value("grad_norm")) - 1) < 1e-3)
      #expect(abs(rate - (try value("learning_rate"))) < 1e-12)
      optimizer.update(
        adapter, gradients, firstMoment: first, secondMoment: second,
        gradientScale: GradientClipping.coefficient(
          norm: norm, maximum: try run.number("max_grad_norm")),
        learningRate: rate, step: index + 1)
    }
    let (name, error) = try run.worstError(adapter.array(), prefix: "after.")
    #expect(error <= 1e-3, "\(name): \(error)")
  }
}
