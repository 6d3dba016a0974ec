internal import Glibc

/// The multiple-choice head: one logit for each sequence, from its first token's vector.
///
/// logit = classifier(drop(f(pooler(h)))), f = tanh, or max(0, .) in DistilBERT.
package struct ChoiceHead: Sendable {
  let pooler: TrainableLinear, classifier: TrainableLinear
  private let isRectified: Bool

  init(_ configuration: EncoderConfiguration, placingIn layout: inout ParameterLayout) {
    let names = EncoderNames(configuration.architecture)
    let hidden = configuration.hiddenSize
    classifier = layout.linear([names.classifier], outputs: 1, inputs: hidden, mayBeFresh: true)
    pooler = layout.linear([names.pooler], outputs: hidden, inputs: hidden, mayBeFresh: true)
    isRectified = configuration.architecture == .distilbert
  }

  /// Leaves the logits in `a.logits`: [sequences, 1].
  ///
  /// - Parameter x: The last block's output: [tokens, hidden].
  func forward(
    _ x: MatrixView, _ batch: ChoiceBatch, _ parameters: borrowing FloatBuffer, dropout: Dropout?,
    _ a: borrowing EncoderActivations
  ) {
    let (count, hidden) = (batch.sequences.count, pooler.inputs)
    let first = a.firstTokens.matrix(count, hidden)
    for (index, sequence) in batch.sequences.enumerated() {
      let row = sequence.lowerBound
      first.rows(index..<index + 1).copy(from: x.rows(row..<row + 1))
    }
    let pooled = a.pooled.matrix(count, hidden)
    pooler.forward(first.view, parameters, into: pooled, a.scratch.products)
    for row in 0..<count {
      for column in 0..<hidden {
        let value = pooled[row, column]
        pooled[row, column] = isRectified ? max(0, value) : tanh(value)
      }
    }
    let dropped = a.droppedPooled.matrix(count, hidden)
    dropout?.forward(
      pooled.view, module: EncoderDropout.Place.head.module, mask: a.headMask(count), into: dropped)
    classifier.forward(
      dropout == nil ? pooled.view : dropped.view, parameters, into: a.logits.matrix(count, 1),
      a.scratch.products)
  }

  /// Overwrites `dx` with zero but for the rows of first tokens; reads `a.dLogits`.
  func backward(
    _ batch: ChoiceBatch, _ parameters: borrowing FloatBuffer, dropout: Dropout?,
    into dx: MutableMatrixView, accumulatingInto gradients: borrowing FloatBuffer,
    _ a: borrowing EncoderActivations
  ) {
    let (count, hidden) = (batch.sequences.count, pooler.inputs)
    let pooled = a.pooled.matrix(count, hidden)
    let dropped = a.droppedPooled.matrix(count, hidden)
    let dLogits = a.dLogits.matrix(count, 1)
    let dOutput = a.scratch.products.operand(dLogits.view, in: .first)
    let dDropped = a.dPooled.matrix(count, hidden)
    classifier.backward(
      dLogits.view, dOutput, x: dropout == nil ? pooled.view : dropped.view,
      accumulatingIntoParameters: gradients, a.scratch.products)
    classifier.backward(dOutput, parameters, into: dDropped, a.scratch.products)
    dropout?.apply(dDropped.view, mask: a.headMask(count), into: dropped)
    let dPooled = dropout == nil ? dDropped : dropped
    for row in 0..<count {
      for column in 0..<hidden {
        let value = pooled[row, column]
        dPooled[row, column] *= isRectified ? (value > 0 ? 1 : 0) : 1 - value * value
      }
    }
    poolerBackward(dPooled.view, batch, parameters, into: dx, accumulatingInto: gradients, a)
  }

  private func poolerBackward(
    _ dPooled: MatrixView, _ batch: ChoiceBatch, _ parameters: borrowing FloatBuffer,
    into dx: MutableMatrixView, accumulatingInto gradients: borrowing FloatBuffer,
    _ a: borrowing EncoderActivations
  ) {
    let first = a.firstTokens.matrix(dPooled.rows, pooler.inputs)
    let dOutput = a.scratch.products.operand(dPooled, in: .first)
    pooler.backward(
      dPooled, dOutput, x: first.view, accumulatingIntoParameters: gradients, a.scratch.products)
    pooler.backward(dOutput, parameters, into: first, a.scratch.products)
    dx.zero()
    for (index, sequence) in batch.sequences.enumerated() {
      let row = sequence.lowerBound
      dx.rows(row..<row + 1).copy(from: first.view.rows(index..<index + 1))
    }
  }
}
