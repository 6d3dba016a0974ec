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
  var panelCount: Int {
    let weights = blocks.flatMap { $0.projections.map(\.base.weight) } + [crossEntropy.head.weight]
    return weights.map { $0.panelCount(precision) }.max() ?? 0
  }

  /// Returns the loss sum over the batch's targets and adds its gradient to `gradients`.
  ///
  /// - Parameters:
  ///   - adapter: The arena of parameters, in the order of `layout`.
  ///   - gradients: The arena that gets d(loss sum) / d(parameter) added.
  package func forwardBackward(
    _ batch: MicroBatch, adapter: borrowing FloatBuffer, dropout: Dropout?,
    accumulatingInto gradients: borrowing FloatBuffer, _ activations: borrowing ActivationBuffer
  ) -> Double {
    precondition(activations.plan.keepsForBackward, "this plan keeps nothing for a backward pass")
    precondition(!batch.isBranched, "gradients do not flow into the sequence that is continued")
    guard !batch.targetRows.isEmpty else { return 0 }
    let pass = forward(batch, adapter: adapter, dropout: dropout, activations)
    let lossSum = lossBackward(batch, pass.lossRows, activations)
    for block in blocks.reversed() {
      if activations.plan.checkpointing == .full {
        block.forward(pass, adapter: adapter, activations)
      }
      block.backward(
        pass, adapter: adapter, wantsInputGradient: block.layer > 0, accumulatingInto: gradients,
        activations)
    }
    return lossSum
  }

  /// Returns the log-probability of each of the batch's targets.
  package func logProbabilities(
    _ batch: MicroBatch, adapter: borrowing FloatBuffer, _ activations: borrowing ActivationBuffer
  ) -> [Float] {
    let pass = forward(batch, adapter: adapter, dropout: nil, activations)
    return crossEntropy.logProbabilities(
      normedTargets(pass.lossRows, activations), targets: batch.targetTokens,
      scratch: activations.scratch)
  }

  /// Returns the logits of each of the batch's target rows: [targets, vocabulary].
  package func logits(
    _ batch: MicroBatch, adapter: borrowing FloatBuffer, _ activations: borrowing ActivationBuffer
  ) -> [Float] {
    let pass = forward(batch, adapter: adapter, dropout: nil, activations)
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
    let pass = forward(
      batch, keeping: sequences, adapter: adapter, dropout: nil, activations)
    return crossEntropy.mostProbable(
      normedTargets(pass.lossRows, activations), scratch: activations.scratch)
  }

  /// Runs every block and leaves the last residual stream in `activations`.
  private func forward(
    _ batch: MicroBatch, keeping sequences: [PackedSequence]? = nil,
    adapter: borrowing FloatBuffer, dropout: Dropout?, _ activations: borrowing ActivationBuffer
  ) -> TransformerBlock.Pass {
    precondition(activations.plan.fits(batch), "the micro-batch is larger than the plan")
    let tokens = batch.tokens.count
    let x = activations.residual(0, tokens)
    activations.scratch.profile.begin()
    for (row, token) in batch.tokens.enumerated() {
      embedding.widen(rows: Int(token)..<Int(token) + 1, into: x.rows(row..<row + 1))
    }
    activations.scratch.profile.lap(.elementWise)
    let pass = TransformerBlock.Pass(
      sequences: sequences ?? batch.sequences, tokens: tokens, dropout: dropout, rotary: rotary,
      lossRows: LossRows(batch), keepsKeys: sequences != nil)
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

  /// Returns the loss sum and leaves its gradient by the last residual stream in `dResidual`.
  private func lossBackward(
    _ batch: MicroBatch, _ lossRows: LossRows, _ activations: borrowing ActivationBuffer
  ) -> Double {
    let (hidden, count) = (configuration.hiddenSize, batch.targetRows.count)
    let normed = normedTargets(lossRows, activations)
    let dNormed = activations.lossGradient.matrix(count, hidden)
    let dRows = activations.lossGradient.matrix(count, hidden, at: count * hidden)
    let lossSum = crossEntropy.forwardBackward(
      normed, targets: batch.targetTokens, into: dNormed, scratch: activations.scratch)
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
    return lossSum
  }
}
