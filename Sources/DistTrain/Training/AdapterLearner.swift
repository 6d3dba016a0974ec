package import Collective
package import Model

/// A frozen decoder with an adapter that is trained.
package final class AdapterLearner: Learner {
  package typealias Batch = MicroBatch
  package struct Pass: TrainingPass {
    package let indices: [Int]
    fileprivate let joined: JoinedPass
  }
  package let model: QwenModel
  private let inputs: RunInputs
  private let activations: ActivationBuffer
  private let evaluator: Evaluator
  private let joinsBatches: Bool

  /// - Parameter plan: Of training; nil where nothing is trained.
  package init(
    _ inputs: RunInputs, _ model: QwenModel, training plan: ActivationPlan?,
    scoring items: [ScoringItem] = [], texts: [MicroBatch] = []
  ) {
    self.inputs = inputs
    self.model = model
    joinsBatches = model.computesRowsAlone
    activations = ActivationBuffer(
      plan ?? ActivationPlan(fitting: [], keepsForBackward: false), for: model)
    evaluator = Evaluator(model, inputs.scoring, fitting: items, texts: texts)
  }

  package var parameterCount: Int { inputs.layout.count }
  package func tensorName(at index: Int) -> String? { inputs.layout.tensor(at: index)?.name }
  package var decaySections: [(range: Range<Int>, decays: Bool)]? { nil }
  package var scoringPlan: ActivationPlan { evaluator.plan }
  package var profile: PassProfile { activations.scratch.profile }

  package static var profileParts: [(part: PassProfile.Part, name: String)] {
    [
      (.products, "frozen products"), (.lowRank, "adapter products"), (.attention, "attention"),
      (.elementWise, "element-wise"), (.crossEntropy, "head and loss"),
    ]
  }

  package func productRate(
    tokens: Int, seconds: Double, progress: () -> Void
  ) -> ProductRate {
    ProductRate(model, tokens: tokens, seconds: seconds, progress: progress)
  }

  package func productOperations(_ batch: MicroBatch) -> Double { model.productOperations(batch) }

  package func start() throws -> FloatBuffer {
    guard let adapter = inputs.adapter else {
      return FloatBuffer(freshAdapter: inputs.layout, seed: inputs.configuration.seed)
    }
    return FloatBuffer(try adapter.parameters(inputs.layout))
  }

  package func given(in folder: String?) throws -> FloatBuffer {
    guard let adapter = inputs.adapter else { return try untrained() }
    return FloatBuffer(try adapter.parameters(inputs.layout))
  }

  package func untrained() throws -> FloatBuffer { FloatBuffer(count: parameterCount) }

  package func passes(
    _ batches: [MicroBatch], first: Int, among indices: [Int]
  ) -> [Pass] {
    grouped(batches, among: indices).map { group -> Pass in
      let dropouts: [Dropout?] = group.map { dropout(microBatch: first + $0) }
      return Pass(
        indices: group, joined: JoinedPass(group.map { batches[$0] }, dropouts: dropouts))
    }
  }

  private func dropout(microBatch: Int) -> Dropout? {
    Dropout(
      probability: inputs.layout.configuration.dropout, seed: inputs.configuration.seed,
      microBatch: microBatch)
  }

  private func grouped(_ batches: [MicroBatch], among indices: [Int]) -> [[Int]] {
    guard joinsBatches else { return indices.map { [$0] } }
    let tokens = batches.map(\.tokens.count)
    let (plan, limit) = (activations.plan, inputs.configuration.tokensPerPass)
    return groups(ofCosts: tokens, among: indices) { (group: [Int]) -> Bool in
      let together = group.map { batches[$0] }
      let count = together.reduce(0) { $0 + $1.tokens.count }
      return count <= limit && plan.fits(together: together)
    }
  }

  package func forwardBackward(
    _ pass: Pass, parameters: borrowing FloatBuffer, losses: inout [Double], sink: GradientSink
  ) {
    model.forwardBackward(pass.joined, adapter: parameters, activations, sink: sink)
    for (place, index) in pass.indices.enumerated() {
      losses[index] = model.lossSum(place, of: pass.joined, activations)
    }
  }

  package func touchedRanges(_ batch: MicroBatch) -> [Range<Int>] { [0..<parameterCount] }

  package func scores(
    _ items: [ScoringItem], parameters: borrowing FloatBuffer, over ranks: Communicator
  ) throws -> [ScoredItem] {
    try evaluator.scores(items, adapter: parameters, over: ranks)
  }

  package func validation(
    _ items: [ScoringItem], _ texts: [MicroBatch], parameters: borrowing FloatBuffer,
    over ranks: Communicator
  ) throws -> (loss: Double, scored: [ScoredItem]) {
    let loss = try evaluator.meanLoss(texts, adapter: parameters, over: ranks)
    return (loss, try evaluator.scores(items, adapter: parameters, over: ranks))
  }
}

extension FloatBuffer {
  /// A buffer that holds `values`.
  init(_ values: [Float]) {
    self.init(count: values.count)
    copy(from: values)
  }
}
