/// A frozen dense Qwen model with an adapter: the whole forward and the whole backward pass.
package struct QwenModel: Sendable {
  package let configuration: QwenConfiguration
  /// Where the adapter's matrices lie; nil for the base model alone.
  package let layout: AdapterLayout?
  let embedding: WeightMatrix
  let blocks: [TransformerBlock]
  let finalNorm: RMSNorm
  package let crossEntropy: CrossEntropy
  let rotary: RotaryEmbedding
  /// What the operands of matrix products are rounded to.
  package let precision: Precision

  /// Elements that the largest panel of any weight needs.
  var panelCount: Int { weights.map { $0.panelCount(precision) }.max() ?? 0 }

  /// True where what is computed for a micro-batch does not depend on the others in its pass.
  package var computesRowsAlone: Bool {
    weights.allSatisfy { weight in
      weight.isMultipliedAsItLies(precision)
        && BlockProducts.computesAll(
          rows: weight.rows, columns: weight.columns, weight.elementType, precision)
    }
  }

  /// Returns the loss sum of each of `batches`, which go through the model together.
  ///
  /// With several batches, each has targets. What is computed for one has the same bits as by itself where
  /// `computesRowsAlone`.
  ///
  /// - Parameters:
  ///   - adapter: The arena of parameters, in the order of `layout`.
  ///   - dropouts: One for each batch.
  ///   - sink: Gets the gradient of each batch; nothing of one without targets.
  package func forwardBackward(
    _ batches: [MicroBatch], adapter: borrowing FloatBuffer, dropouts: [Dropout?],
    _ activations: borrowing ActivationBuffer, sink: GradientSink
  ) -> [Double] {
    precondition(activations.plan.keepsForBackward, "this plan keeps nothing for a backward pass")
    precondition(batches.count == dropouts.count, "each batch has a dropout of its own or none")
    let joined = MicroBatch(joining: batches)
    guard !joined.targetRows.isEmpty else { return batches.map { _ in 0 } }
    let pass = forward(
      joined, Self.segments(batches, dropouts), adapter: adapter, activations)
    lossBackward(joined, pass.lossRows, activations)
    for block in blocks.reversed() {
      if activations.plan.checkpointing == .full {
        block.forward(pass, adapter: adapter, activations)
      }
      block.backward(
        pass, adapter: adapter, wantsInputGradient: block.layer > 0, activations, sink: sink)
    }
    return lossSums(batches, activations)
  }

  private static func segments(_ batches: [MicroBatch], _ dropouts: [Dropout?]) -> [Segment] {
    var end = 0
    return zip(batches, dropouts).map { batch, dropout in
      precondition(!batch.targetRows.isEmpty, "a batch of several has no targets")
      let start = end
      end += batch.tokens.count
      return Segment(rows: start..<end, dropout: dropout)
    }
  }

  private func lossSums(
    _ batches: [MicroBatch], _ activations: borrowing ActivationBuffer
  ) -> [Double] {
    var next = 0
    return batches.map { batch in
      let losses = activations.losses.matrix(batch.targetRows.count, 1, at: next)
      next += losses.rows
      return (0..<losses.rows).reduce(0.0) { $0 + Double(losses[$1, 0]) }
    }
  }

  /// Returns the log-probability of each of the batch's targets.
  package func logProbabilities(
    _ batch: MicroBatch, adapter: borrowing FloatBuffer, _ activations: borrowing ActivationBuffer
  ) -> [Float] {
    let pass = forward(batch, adapter: adapter, activations)
    return crossEntropy.logProbabilities(
      normedTargets(pass.lossRows, activations), targets: batch.targetTokens,
      scratch: activations.scratch)
  }

  /// Returns the logits of each of the batch's target rows: [targets, vocabulary].
  package func logits(
    _ batch: MicroBatch, adapter: borrowing FloatBuffer, _ activations: borrowing ActivationBuffer
  ) -> [Float] {
    let pass = forward(batch, adapter: adapter, activations)
    let normed = normedTargets(pass.lossRows, activations)
    let result = FloatBuffer(count: normed.rows * configuration.vocabularySize)
    crossEntropy.head.forward(
      activations.scratch.products.operand(normed, in: .first),
      into: result.matrix(normed.rows, configuration.vocabularySize), activations.scratch.products)
    return result.array()
  }

  /// Returns the most probable token after each target row, the first of equals, and keeps keys and values.
  ///
  /// - Parameter sequences: Those of the batch, with the prefixes they continue among the kept keys and values.
  func nextTokens(
    _ batch: MicroBatch, sequences: [PackedSequence], adapter: borrowing FloatBuffer,
    _ activations: borrowing ActivationBuffer
  ) -> [Int32] {
    let pass = forward(batch, keeping: sequences, adapter: adapter, activations)
    return crossEntropy.mostProbable(
      normedTargets(pass.lossRows, activations), scratch: activations.scratch)
  }

  /// Runs every block and leaves the last residual stream in `activations`.
  private func forward(
    _ batch: MicroBatch, _ segments: [Segment]? = nil, keeping sequences: [PackedSequence]? = nil,
    adapter: borrowing FloatBuffer, _ activations: borrowing ActivationBuffer
  ) -> TransformerBlock.Pass {
    precondition(activations.plan.fits(batch), "the micro-batch is larger than the plan")
    let tokens = batch.tokens.count
    let x = activations.residual(0, tokens)
    activations.scratch.profile.begin()
    for (row, token) in batch.tokens.enumerated() {
      embedding.widen(rows: Int(token)..<Int(token) + 1, into: x.rows(row..<row + 1))
    }
    activations.scratch.profile.lap(.elementWise)
    let segments = segments ?? [Segment(rows: 0..<tokens)]
    let pass = TransformerBlock.Pass(
      sequences: sequences ?? batch.sequences, tokens: tokens, segments: segments, rotary: rotary,
      lossRows: LossRows(batch, segments), keepsKeys: sequences != nil)
    for block in blocks { block.forward(pass, adapter: adapter, activations) }
    return pass
  }

  /// Gathers the rows in the loss and normalises them: [targets, hidden].
  @_lifetime(borrow activations)
  private func normedTargets(
    _ lossRows: LossRows, _ activations: borrowing ActivationBuffer
  ) -> MatrixView {
    let (hidden, count) = (configuration.hiddenSize, lossRows.targets.count)
    let last = activations.residual(configuration.layerCount, lossRows.count)
    let rows = activations.lossInput.matrix(count, hidden)
    rows.gather(lossRows.targets, of: last.view)
    let normed = activations.lossNormed.matrix(count, hidden)
    finalNorm.forward(
      rows.view, into: normed, inverseRMS: activations.lossInverseRMS.matrix(count, 1))
    return normed.view
  }

  /// Leaves the loss of each target in `losses`, and the gradient by the last residual stream in `dResidual`.
  private func lossBackward(
    _ batch: MicroBatch, _ lossRows: LossRows, _ activations: borrowing ActivationBuffer
  ) {
    let (hidden, count) = (configuration.hiddenSize, batch.targetRows.count)
    let normed = normedTargets(lossRows, activations)
    let dNormed = activations.lossGradient.matrix(count, hidden)
    let dRows = activations.lossGradient.matrix(count, hidden, at: count * hidden)
    crossEntropy.forwardBackward(
      normed, targets: batch.targetTokens, into: dNormed,
      losses: activations.losses.matrix(count, 1), scratch: activations.scratch)
    dRows.zero()
    finalNorm.backward(
      dNormed.view, x: activations.lossInput.matrix(count, hidden).view,
      inverseRMS: activations.lossInverseRMS.matrix(count, 1).view, accumulatingInto: dRows)
    let dx = activations.dResidual.matrix(lossRows.count, hidden)
    dx.zero()
    for (index, row) in lossRows.targets.enumerated() {
      dx.rows(row..<row + 1).add(dRows.view.rows(index..<index + 1))
    }
    activations.scratch.profile.lap(.crossEntropy)
  }
}
