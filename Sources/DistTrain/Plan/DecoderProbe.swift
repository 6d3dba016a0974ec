internal import Collective
internal import Model

/// Times a decoder's passes over micro-batches of the sizes that a run has.
struct DecoderProbe {
  let configuration: RunConfiguration
  let workload: DecoderWorkload
  let seconds: Double

  /// A pass over `tokens` tokens.
  private func pass(tokens: Int, vocabulary: Int) -> MicroBatch {
    var batch = MicroBatch()
    let lengths = workload.workload.sequenceLengths(
      tokens: tokens, batchSize: configuration.batchSize, longest: workload.training.sequence)
    for (index, length) in lengths.enumerated() {
      let sequence = (0..<length).map { Int32(($0 * 7919 + index) % vocabulary) }
      batch.append(sequence, targetsFrom: configuration.lossOnAll ? 1 : max(1, length - 2))
    }
    return batch
  }

  /// Forward and backward at the sizes that passes have on one rank.
  func measure(
    _ model: QwenModel, seconds: Double, over ranks: Communicator
  ) throws -> [ComputeModel.Point] {
    guard let layout = model.layout else { preconditionFailure("a plan has an adapter") }
    let vocabulary = model.configuration.vocabularySize
    let sizes = MicroBatchProbe.ofEachSize(
      workload.workload.steps.flatMap(workload.workload.passes).sorted())
    let batches = Set(sizes).sorted().map { pass(tokens: $0, vocabulary: vocabulary) }
    let activations = ActivationBuffer(
      ActivationPlan(
        fitting: batches, keepsForBackward: true, checkpointing: configuration.checkpointing),
      for: model)
    let parameters = FloatBuffer(freshAdapter: layout, seed: configuration.seed)
    let dropout = Dropout(
      probability: layout.configuration.dropout, seed: configuration.seed, microBatch: 0)
    return try MicroBatchProbe(seconds: seconds).measure(batches, over: ranks) { batch in
      _ = model.forwardBackward(
        [batch], adapter: parameters, dropouts: [dropout], activations, sink: { _, _, _ in })
    }
  }

  /// The same without weights: time(L layers) = time(1) + (L - 1) x (time(3) - time(1)) / 2, where the vocabulary is small in
  /// the difference, and as it is in time(1).
  func measure(zerosIn source: ModelSizes, over ranks: Communicator) throws -> [ComputeModel.Point]
  {
    let layers = source.configuration.layerCount
    func points(_ layers: Int, _ vocabulary: Int) throws -> [ComputeModel.Point] {
      let zeros = try ZeroModel(source.path, layers: layers, vocabulary: vocabulary)
      let model = try zeros.model(
        configuration.lora, longestSequence: workload.training.sequence,
        precision: configuration.precision)
      return try measure(model, seconds: seconds / 3, over: ranks)
    }
    let whole = try points(1, source.configuration.vocabularySize)
    guard layers > 1 else { return whole }
    let few = min(layers, 3)
    let small = min(source.configuration.vocabularySize, 1024)
    let (one, more) = (try points(1, small), try points(few, small))
    return whole.indices.map { index in
      let block = (more[index].seconds - one[index].seconds) / Double(few - 1)
      return ComputeModel.Point(
        tokens: whole[index].tokens,
        seconds: whole[index].seconds + Double(layers - 1) * max(0, block))
    }
  }
}
