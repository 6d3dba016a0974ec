import Model
import TestSupport
import Testing

/// Micro-batches that go through a model together.
struct PassTests {
  /// A micro-batch's loss, and its gradient in the order of the arena.
  private struct Outcome: Equatable {
    let loss: Double
    let gradient: [Float]
  }

  /// Runs all batches in one pass, with the micro-batch numbers `numbers`.
  private static func outcomes(
    _ batches: [MicroBatch], numbers: [Int], _ sample: NetworkSample, dropout: Float,
    _ plan: ActivationPlan
  ) -> [Outcome] {
    let count = sample.layout.count
    var gradients = [[Float]](repeating: [], count: batches.count)
    var end = 0
    let losses = sample.model.forwardBackward(
      batches, adapter: FloatBuffer(sample.adapter),
      dropouts: numbers.map { Dropout(probability: dropout, seed: 7, microBatch: $0) },
      ActivationBuffer(plan, for: sample.model)
    ) { batch, first, gradient in
      precondition(first >= end, "what has come for the last batch has come for all")
      if batch == batches.count - 1 { end = first + gradient.count }
      if gradients[batch].isEmpty { gradients[batch] = [Float](repeating: .nan, count: count) }
      for index in gradient.indices { gradients[batch][first + index] = gradient[index] }
    }
    return zip(losses, gradients).map { Outcome(loss: $0, gradient: $1) }
  }

  private static func batches(answersOnly: Bool) -> [MicroBatch] {
    [(70, 31), (9, 17), (33, 3), (2, 5), (41, 11)].map { count, stride in
      var batch = MicroBatch()
      batch.append(NetworkSample.tokens(count, stride), targetsFrom: answersOnly ? count - 1 : 1)
      if count == 33 {
        batch.append(NetworkSample.tokens(12, 7), targetsFrom: answersOnly ? 10 : 1)
      }
      return batch
    }
  }

  @Test(
    arguments: [("qwen2", Precision.float32), ("qwen3", .float32), ("qwen2", .bfloat16)],
    [false, true])
  func `a batch has the same bits whichever others are in its pass`(
    model: (type: String, precision: Precision), answersOnly: Bool
  ) throws {
    guard model.precision.obstacle == nil else { return }
    let tiny = try TinyQwen(
      type: model.type, vocabulary: 192, hidden: 64, heads: 8, kvHeads: 8, intermediate: 128,
      elementType: model.precision == .bfloat16 ? .bfloat16 : .float32)
    let sample = try NetworkSample(tiny, dropout: 0.3, precision: model.precision)
    guard sample.model.computesRowsAlone else { return }
    let batches = Self.batches(answersOnly: answersOnly)
    for (dropout, checkpointing) in [(Float(0), ActivationCheckpointing.none), (0.3, .full)] {
      let plan = ActivationPlan(
        fitting: batches, keepsForBackward: true, checkpointing: checkpointing)
      let joining = plan.joining(tokens: 200)
      let alone = batches.indices.flatMap {
        Self.outcomes([batches[$0]], numbers: [$0 + 3], sample, dropout: dropout, plan)
      }
      for pass in [[0, 1], [1, 0, 2], [4, 2, 1], [3, 4]] {
        // Of the sequence of two tokens, one is a target: few, while the others have all their rows in the loss.
        let fits = joining.fits(together: pass.map { batches[$0] })
        #expect(fits == (answersOnly || !pass.contains(3)), "\(pass)")
        guard fits else { continue }
        let together = Self.outcomes(
          pass.map { batches[$0] }, numbers: pass.map { $0 + 3 }, sample, dropout: dropout,
          joining)
        #expect(together == pass.map { alone[$0] }, "\(pass)")
        #expect(together.allSatisfy { $0.gradient.allSatisfy(\.isFinite) })
      }
    }
  }

  @Test func `batches whose last MLP has other rows, or none, stay apart`() {
    let all = Self.batches(answersOnly: false)
    let answers = Self.batches(answersOnly: true)
    let plan = ActivationPlan(fitting: all, keepsForBackward: true).joining(tokens: 150)
    var untrained = MicroBatch()
    untrained.append([1, 2, 3])
    #expect(plan.fits(together: [all[0], all[1]]))
    #expect(plan.fits(together: [answers[0], answers[1]]))
    #expect(!plan.fits(together: [all[0], answers[1]]))
    #expect(!plan.fits(together: [all[0], untrained]))
    #expect(!plan.fits(together: [all[0], all[4], all[2]]))
  }
}
