import Model
import TestSupport
import Testing

struct EncoderGoldenTests {
  /// Relative L2 distance of logits, of a gradient tensor, and along a trajectory.
  private static let logitsTolerance = 1e-4, gradientTolerance = 2e-4, trajectoryTolerance = 1e-3
  /// Of a parameter after the trajectory: some elements' gradients are rounding alone.
  private static let parameterTolerance = 5e-3

  @Test(arguments: GoldenCase.encoders)
  func `Golden encoder logits`(golden: GoldenCase) throws {
    let run = try EncoderGoldenRun(golden)
    let reference = try #require(run.expected.floats("logits"))
    let parameters = FloatBuffer(run.start)
    for packed in [false, true] {
      let batches = run.batches(packed: packed)
      let activations = EncoderActivations(
        EncoderPlan(fitting: batches, keepsForBackward: false), for: run.model)
      let logits = batches.flatMap {
        run.model.logits($0, parameters: parameters, activations).flatMap { $0 }
      }
      #expect(relativeError(logits, reference) < Self.logitsTolerance)
    }
  }

  @Test(arguments: GoldenCase.encoders, [false, true])
  func `Golden encoder loss and the gradient of every parameter`(
    golden: GoldenCase, packed: Bool
  ) throws {
    let run = try EncoderGoldenRun(golden)
    let batches = run.batches(packed: packed)
    let activations = EncoderActivations(
      EncoderPlan(fitting: batches, keepsForBackward: true), for: run.model)
    let parameters = FloatBuffer(run.start)
    let gradients = FloatBuffer(count: run.start.count)
    let plain = run.window(
      batches, smoothing: 0, parameters: parameters, gradients: gradients, activations)
    #expect(abs(plain / (try run.number("loss_unsmoothed")) - 1) < 1e-5)
    let loss = run.window(batches, parameters: parameters, gradients: gradients, activations)
    #expect(abs(loss / (try run.number("loss")) - 1) < 1e-5)
    let all = EncoderGoldenRun.length(gradients.array())
    for (name, error) in try run.errors(gradients.array(), prefix: "grad.", floor: 1e-3 * all) {
      #expect(error < Self.gradientTolerance, "\(name)")
    }
  }

  @Test(arguments: GoldenCase.encoders)
  func `Golden encoder trajectory and parameters after it`(golden: GoldenCase) throws {
    let run = try EncoderGoldenRun(golden)
    let batches = run.batches(packed: false)
    let activations = EncoderActivations(
      EncoderPlan(fitting: batches, keepsForBackward: true), for: run.model)
    let parameters = FloatBuffer(run.start)
    let gradients = FloatBuffer(count: run.start.count)
    let first = FloatBuffer(count: run.start.count)
    let second = FloatBuffer(count: run.start.count)
    let steps = try #require(run.meta["trajectory"]?.arrayValue)
    #expect(!steps.isEmpty && steps.count == run.meta["steps"]?.intValue)
    let rate = try run.number("learning_rate")
    let optimizer = AdamW(weightDecay: Float(try run.number("weight_decay")))
    for (index, reference) in steps.enumerated() {
      let loss = run.window(batches, parameters: parameters, gradients: gradients, activations)
      let norm = gradients.norm
      let value = { (key: String) in try #require(reference[key]?.doubleValue) }
      #expect(abs(loss / (try value("loss")) - 1) <= Self.trajectoryTolerance)
      #expect(abs(norm / (try value("grad_norm")) - 1) <= Self.trajectoryTolerance)
      let scale = GradientClipping.coefficient(
        norm: norm, maximum: try run.number("max_grad_norm"))
      for (range, decays) in run.model.layout.decaySections {
        optimizer.update(
          parameters, from: range.lowerBound, gradients.span.extracting(range), firstMoment: first,
          secondMoment: second, gradientScale: scale, learningRate: rate, step: index + 1,
          decays: decays)
      }
    }
    try expectParameters(
      parameters.array(), run, roundingAlone: 1.01 * Float(steps.count) * Float(rate))
  }

  /// AdamW makes steps of the full rate of gradients that are rounding alone, whichever way they point.
  ///
  /// Those of keys' biases and of the classifier's are: neither changes a probability.
  private func expectParameters(
    _ parameters: [Float], _ run: EncoderGoldenRun, roundingAlone farthest: Float
  ) throws {
    for (name, error) in try run.errors(parameters, prefix: "after.", floor: 0) {
      if ["key.bias", "k_lin.bias", "classifier.bias"].contains(where: name.hasSuffix),
        !name.hasSuffix("pre_classifier.bias")
      {
        let tensor = try #require(run.model.layout.tensors.first { $0.name == name })
        for index in tensor.range { #expect(abs(parameters[index] - run.start[index]) < farthest) }
      } else {
        #expect(error < Self.parameterTolerance, "\(name)")
      }
    }
  }
}
