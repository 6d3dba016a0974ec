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

  /// Computes the losses of the micro-batches of `pass` and hands over their gradients.
  ///
  /// What is computed for one has the same bits as by itself where `computesRowsAlone`.
  ///
  /// - Parameters:
  ///   - adapter: The arena of parameters, in the order of `layout`.
  ///   - sink: Gets the gradient of each batch; nothing of one without targets.
  package func forwardBackward(
    _ pass: JoinedPass, adapter: borrowing FloatBuffer, _ activations: borrowing ActivationBuffer,
    sink: GradientSink
  ) {
    precondition(activations.plan.keepsForBackward, "this plan keeps nothing for a backward pass")
    guard !pass.batch.targetRows.isEmpty else { return }
    let rows = forward(pass, adapter: adapter, activations)
    lossBackward(pass.batch, pass.lossRows, activations)
    for block in blocks.reversed() {
      if activations.plan.checkpointing == .full {
        block.forward(rows, adapter: adapter, activations)
      }
      block.backward(
        rows, adapter: adapter, wantsInputGradient: block.layer > 0, activations, sink: sink)
    }
  }

  /// The sum of the losses of micro-batch `index` of the pass that `forwardBackward` did last.
  package func lossSum(
    _ index: Int, of pass: JoinedPass, _ activations: borrowing ActivationBuffer
  ) -> Double {
    let targets = pass.targets(index)
    let losses = activations.losses.matrix(targets.count, 1, at: targets.lowerBound)
    return (0..<losses.rows).reduce(0.0) { $0 + Double(losses[$1, 0]) }
  }

  /// The same for batches that no pass was made of; returns the loss sum of each.
  package func forwardBackward(
    _ batches: [MicroBatch], adapter: borrowing FloatBuffer, dropouts: [Dropout?],
    _ activations: borrowing ActivationBuffer, sink: GradientSink
  ) -> [Double] {
    let pass = JoinedPass(batches, dropouts: dropouts)
    forwardBackward(pass, adapter: adapter, activations, sink: sink)
    var sums: [Double] = []
    for index in batches.indices { sums.append(lossSum(index, of: pass, activations)) }
    return sums
  }

  /// Returns the log-probability of each of the batch's targets.
  package func logProbabilities(
    _ batch: MicroBatch, adapter: borrowing FloatBuffer, _ activations: borrowing ActivationBuffer
  ) -> [Float] {
    let pass = JoinedPass([batch], dropouts: [nil])
    _ = forward(pass, adapter: adapter, activations)
    return crossEntropy.logProbabilities(
      normedTargets(pass.lossRows, activations), targets: batch.targetTokens,
      scratch: activations.scratch)
  }

  /// Returns the logits of each of the batch's target rows: [targets, vocabulary].
  package func logits(
    _ batch: MicroBatch, adapter: borrowing FloatBuffer, _ activations: borrowing ActivationBuffer
  ) -> [Float] {
    let pass = JoinedPass([batch], dropouts: [nil])
    _ = forward(pass, adapter: adapter, activations)
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
    let pass = JoinedPass([batch], dropouts: [nil])
    _ = forward(pass, keeping: sequences, adapter: adapter, activations)
    return crossEntropy.mostProbable(
      normedTargets(pass.lossRows, activations), scratch: activations.scratch)
  }

  /// Runs every block and leaves the last residual stream in `activations`.
  private func forward(
    _ pass: JoinedPass, keeping sequences: [PackedSequence]? = nil,
    adapter: borrowing FloatBuffer, _ activations: borrowing ActivationBuffer
  ) -> TransformerBlock.Pass {
    precondition(activations.plan.fits(pass), "the micro-batch is larger than the plan")
    let tokens = pass.tokenCount
    let x = activations.residual(0, tokens)
    activations.scratch.profile.begin()
    for row in 0..<tokens {
      let token = Int(pass.batch.tokens[row])
      embedding.widen(rows: token..<token + 1, into: x.rows(row..<row + 1))
    }
    activations.scratch.profile.lap(.elementWise)
    let rows = TransformerBlock.Pass(
      sequences: sequences ?? pass.sequences, tokens: tokens, segments: pass.segments,
      rotary: rotary, lossRows: pass.lossRows, keepsKeys: sequences != nil)
    for block in blocks { block.forward(rows, adapter: adapter, activations) }
    return rows
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
