package import Collective
package import Model

/// An encoder with a multiple-choice head, all of whose parameters are trained.
package final class EncoderLearner: Learner {
  package typealias Batch = ChoiceBatch
  package struct Pass: TrainingPass {
    package let indices: [Int]
    fileprivate let batch: ChoiceBatch
    /// Counts every micro-batch of the run.
    fileprivate let number: Int
  }
  private let inputs: EncoderInputs
  private let model: EncoderModel
  private let activations: EncoderActivations, scoring: EncoderActivations
  private let loss: ChoiceLoss
  /// Zero between two micro-batches; empty where nothing is trained.
  private let gradients: FloatBuffer
  package let decaySections: [(range: Range<Int>, decays: Bool)]?

  /// - Parameter plan: Of training; nil where nothing is trained.
  package init(
    _ inputs: EncoderInputs, training plan: EncoderPlan?, scoring items: [ScoringItem]
  ) {
    self.inputs = inputs
    model = inputs.model
    activations = EncoderActivations(
      plan ?? EncoderPlan(fitting: [], keepsForBackward: false), for: model)
    scoring = EncoderActivations(
      EncoderPlan(fitting: items.map(\.choices), keepsForBackward: false), for: model)
    gradients = FloatBuffer(count: plan == nil ? 0 : model.layout.count)
    loss = ChoiceLoss(smoothing: inputs.configuration.labelSmoothing)
    decaySections = model.layout.decaySections
  }

  package var parameterCount: Int { model.layout.count }
  package func tensorName(at index: Int) -> String? { model.layout.tensor(at: index)?.name }
  package var scoringPlan: EncoderPlan { scoring.plan }
  package var profile: PassProfile { activations.scratch.profile }

  package static var profileParts: [(part: PassProfile.Part, name: String)] {
    [
      (.products, "products"), (.attention, "attention"), (.elementWise, "element-wise"),
      (.crossEntropy, "head and loss"),
    ]
  }

  package func productRate(
    tokens: Int, seconds: Double, progress: () -> Void
  ) -> ProductRate {
    ProductRate(model, tokens: tokens, seconds: seconds, progress: progress)
  }

  package func productOperations(_ batch: ChoiceBatch) -> Double { model.productOperations(batch) }

  package func start() throws -> FloatBuffer { try untrained() }

  package func given(in folder: String?) throws -> FloatBuffer {
    try model.parameters(
      folder: folder ?? inputs.configuration.modelPath, seed: inputs.configuration.seed)
  }

  package func untrained() throws -> FloatBuffer { try given(in: nil) }

  package func passes(
    _ batches: [ChoiceBatch], first: Int, among indices: [Int]
  ) -> [Pass] {
    indices.map { Pass(indices: [$0], batch: batches[$0], number: first + $0) }
  }

  package func forwardBackward(
    _ pass: Pass, parameters: borrowing FloatBuffer, losses: inout [Double], sink: GradientSink
  ) {
    let dropout = EncoderDropout(
      model.configuration, seed: inputs.configuration.seed, microBatch: pass.number)
    var handed = 0
    losses[pass.indices[0]] = model.forwardBackward(
      pass.batch, parameters: parameters, dropout: dropout, loss: loss,
      accumulatingInto: gradients, activations
    ) { end in
      Self.hand(over: gradients, handed..<end, to: sink)
      handed = end
    }
    for range in touchedRanges(pass.batch) {
      Self.hand(over: gradients, max(handed, range.lowerBound)..<range.upperBound, to: sink)
    }
  }

  private static func hand(
    over gradients: borrowing FloatBuffer, _ range: Range<Int>, to sink: GradientSink
  ) {
    sink(0, range.lowerBound, gradients.span.extracting(range))
    gradients.zero(range)
  }

  package func touchedRanges(_ batch: ChoiceBatch) -> [Range<Int>] { model.touchedRanges(batch) }

  package func scores(
    _ items: [ScoringItem], parameters: borrowing FloatBuffer, over ranks: Communicator
  ) throws -> [ScoredItem] {
    let batches = items.map(\.choices)
    return try sharedValues(
      "scoring", costs: batches.map(\.tokens.count), counts: items.map(\.pairs.count), over: ranks
    ) { index in
      model.logits(batches[index], parameters: parameters, scoring)[0].map(Double.init)
    }.map(ScoredItem.init)
  }

  /// The loss is the cross-entropy without smoothing, so that it means the same in every run.
  package func validation(
    _ items: [ScoringItem], _ texts: [ChoiceBatch], parameters: borrowing FloatBuffer,
    over ranks: Communicator
  ) throws -> (loss: Double, scored: [ScoredItem]) {
    let scored = try scores(items, parameters: parameters, over: ranks)
    let total = zip(items, scored).reduce(0.0) { sum, pair in
      sum - logSoftmax(pair.1.scores)[pair.0.goldPosition]
    }
    return (total / Double(max(1, items.count)), scored)
  }
}

extension ScoringItem {
  /// The question's options as an encoder takes them.
  var choices: ChoiceBatch {
    var batch = ChoiceBatch()
    batch.append(pairs, answer: nil)
    return batch
  }
}
