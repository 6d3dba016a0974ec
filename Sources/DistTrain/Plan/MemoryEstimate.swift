package import Model

/// Memory and disk of a run, in bytes.
package struct MemoryEstimate: Sendable, Equatable {
  /// The mapped weight files, once per host whatever the number of ranks.
  package let weights: Int
  /// Of each rank: activations of training and of scoring, and a micro-batch's gradient where that is complete before it is
  /// added to the sum.
  package let activations: Int, scoring: Int, gradients: Int
  /// Once per host: parameters and two moments, 4 bytes each per trained parameter.
  package let arenas: Int
  /// Once per host: the 64-bit sum, 8 bytes per trained parameter and 8 for the number of vectors.
  package let exactSum: Int
  /// Program, libraries, tokenizer and data; measured.
  package let program: Int
  /// Of the root while it saves: three arenas as arrays, and the checkpoint's bytes twice.
  package let saving: Int
  /// A checkpoint, and what was trained in the run's folder.
  package let checkpoint: Int, adapter: Int

  package init(
    _ model: ModelSizes, training: ActivationPlan, scoring: ActivationPlan, _ precision: Precision,
    program: Int
  ) {
    let (rank, count) = (model.layout.configuration.rank, model.layout.count)
    let isAsItLies = WeightMatrix.isMultipliedAsItLies(model.elementType, precision)
    func bytes(_ plan: ActivationPlan) -> Int {
      plan.byteCount(
        model.configuration, rank: rank, hasDropout: model.layout.configuration.dropout > 0,
        precision: precision, isAsItLies: isAsItLies)
    }
    self.init(
      weights: model.weightBytes, activations: bytes(training),
      scoring: bytes(scoring), parameters: count, keepsGradients: false, program: program)
  }

  /// - Parameters:
  ///   - count: Parameters that are trained.
  ///   - keepsGradients: Whether a micro-batch's gradient is complete before it is added to the sum.
  package init(
    weights: Int, activations: Int, scoring: Int, parameters count: Int, keepsGradients: Bool,
    program: Int
  ) {
    self.weights = weights
    self.program = program
    self.activations = activations
    self.scoring = scoring
    gradients = keepsGradients ? 4 * count : 0
    arenas = 12 * count
    exactSum = 8 * (count + 1)
    checkpoint = 12 * count
    adapter = 4 * count
    saving = 12 * count + 2 * checkpoint
  }

  package var perRank: Int { activations + scoring + gradients + program }

  /// Of a host with so many ranks, the root among them.
  package func perHost(ranks: Int) -> Int {
    weights + arenas + exactSum + ranks * perRank + saving
  }

  /// Disk of the run's folder: the kept checkpoints, the one being written, and the adapter.
  package func disk(keeping limit: Int) -> Int { (limit + 1) * checkpoint + adapter }
}
