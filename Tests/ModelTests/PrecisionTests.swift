import Model
import TestSupport
import Testing

/// What bfloat16 and activation checkpointing change in a whole network.
struct PrecisionTests {
  private static func sample(_ type: String, _ precision: Precision) throws -> NetworkSample {
    try NetworkSample(TinyQwen(type: type), precision: precision)
  }

  @Test(
    .enabled(if: Precision.bfloat16.obstacle == nil, "this processor has no bfloat16"),
    arguments: ["qwen2", "qwen3", "llama"])
  func `bfloat16 stays near float32`(type: String) throws {
    let single = try Self.sample(type, .float32).run(NetworkSample.batches)
    let half = try Self.sample(type, .bfloat16).run(NetworkSample.batches)
    #expect(abs(half.loss - single.loss) < 5e-3 * single.loss)
    let error = relativeError(half.gradient, single.gradient)
    // 8 bits of each operand through two layers forth and back.
    #expect(error > 1e-4 && error < 3e-2, "\(error)")
  }

  @Test(.enabled(if: Precision.bfloat16.obstacle == nil, "this processor has no bfloat16"))
  func `bfloat16 gives the same bits again`() throws {
    let runs = try (0..<2).map { _ in try Self.sample("qwen2", .bfloat16).run(NetworkSample.batches)
    }
    #expect(runs[0].loss == runs[1].loss && runs[0].gradient == runs[1].gradient)
  }

  @Test(arguments: ["qwen2", "qwen3"])
  func `computing a layer twice gives the bits of keeping it`(type: String) throws {
    for precision in Precision.allCases where precision.obstacle == nil {
      let sample = try Self.sample(type, precision)
      let kept = sample.run(NetworkSample.batches)
      let again = sample.run(NetworkSample.batches, .full)
      #expect(kept.loss == again.loss && kept.gradient == again.gradient, "\(precision)")
    }
  }

  @Test(
    .enabled(if: Precision.bfloat16.obstacle == nil, "this processor has no bfloat16"),
    arguments: GoldenCase.decoders)
  func `Golden deviation of bfloat16 from the reference`(golden: GoldenCase) throws {
    let run = try GoldenRun(golden, .bfloat16)
    let batches = run.microBatches(answersOnly: false, packed: false)
    let activations = ActivationBuffer(
      ActivationPlan(fitting: batches, keepsForBackward: true), for: run.model)
    let gradients = FloatBuffer(count: run.layout.count)
    let loss = run.window(
      batches, adapter: FloatBuffer(run.start), gradients: gradients, activations)
    let lossError = abs(loss / (try run.number("loss_full")) - 1)
    let gradientError = relativeError(gradients.array(), try run.reference("grad."))
    print("Golden case \(golden.name) in bfloat16: loss \(lossError), gradient \(gradientError)")
    #expect(lossError < 2e-3)
    // Norms of a tiny model's eight-element heads make the most of a rounding.
    #expect(gradientError > 1e-5 && gradientError < 0.1)
  }
}
