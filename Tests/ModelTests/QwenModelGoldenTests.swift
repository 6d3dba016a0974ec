import Model
import TestSupport
import Testing

struct QwenModelGoldenTests {
  /// Relative L2 distance of a gradient tensor, and of losses and adapters along a trajectory.
  private static let gradientTolerance = 2e-4, trajectoryTolerance = 1e-3

  @Test func `Golden cases are all accounted for`() throws {
    let cases = GoldenCase.all(in: GoldenCase.root)
    #expect(!cases.isEmpty, "no golden case in \(GoldenCase.root)")
    for golden in cases {
      print("Golden case \(golden.name): computed as \(golden.encoderFamily ?? "a decoder")")
    }
    #expect(cases.count == GoldenCase.decoders.count + GoldenCase.encoders.count)
    #expect(cases.contains { $0.encoderFamily == nil }, "no case of a decoder model")
    #expect(cases.contains { $0.encoderFamily != nil }, "no case of an encoder")
  }

  @Test func `Golden fixtures are complete`() {
    let names = GoldenCase.all(in: GoldenCase.fixtures("golden")).map(\.name)
    #expect(
      names == [
        "bert-old-names", "distilbert-float16", "qwen2-float16-sharded", "qwen3-bfloat16",
        "roberta-bfloat16",
      ])
  }

  @Test(arguments: GoldenCase.decoders)
  func `Golden logits`(golden: GoldenCase) throws {
    let run = try GoldenRun(golden)
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
      let norm = gradients.norm
      #expect(abs(norm / (try run.number("grad_norm_\(key)")) - 1) < 1e-4)
      try run.expectTensors(
        gradients.array(), prefix: answersOnly ? "grad_answer." : "grad.",
        within: Self.gradientTolerance)
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
      let norm = gradients.norm
      let rate = schedule.learningRate(ofStep: index + 1)
      let value = { (key: String) in try #require(reference[key]?.doubleValue) }
      #expect(abs(loss / (try value("loss")) - 1) <= Self.trajectoryTolerance)
      #expect(abs(norm / (try value("grad_norm")) - 1) <= Self.trajectoryTolerance)
      #expect(abs(rate - (try value("learning_rate"))) < 1e-12)
      optimizer.update(
        adapter, gradients.span, firstMoment: first, secondMoment: second,
        gradientScale: GradientClipping.coefficient(
          norm: norm, maximum: try run.number("max_grad_norm")),
        learningRate: rate, step: index + 1)
    }
    try run.expectTensors(adapter.array(), prefix: "after.", within: Self.trajectoryTolerance)
  }
}
