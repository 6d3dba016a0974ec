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
  /// - Parameter x: What the last block gives for first tokens: [sequences, hidden].
  func forward(
    _ x: MatrixView, _ parameters: borrowing FloatBuffer, dropout: Dropout?,
    _ a: borrowing EncoderActivations
  ) {
    let (count, hidden) = (x.rows, pooler.inputs)
    let pooled = a.pooled.matrix(count, hidden)
    pooler.forward(x, parameters, into: pooled, a.scratch.products)
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

  /// dx from `a.dLogits`; x and dx: [sequences, hidden], the latter overwritten.
  func backward(
    x: MatrixView, _ parameters: borrowing FloatBuffer, dropout: Dropout?,
    into dx: MutableMatrixView, accumulatingInto gradients: borrowing FloatBuffer,
    _ a: borrowing EncoderActivations
  ) {
    let (count, hidden) = (x.rows, pooler.inputs)
    let pooled = a.pooled.matrix(count, hidden)
    let dropped = a.droppedPooled.matrix(count, hidden)
    let dLogits = a.dLogits.matrix(count, 1)
    let dOutput = a.scratch.products.operand(dLogits.view, in: .first)
    let dDropped = a.dFirstTokens.matrix(count, hidden)
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
    let dHidden = a.scratch.products.operand(dPooled.view, in: .first)
    pooler.backward(
      dPooled.view, dHidden, x: x, accumulatingIntoParameters: gradients, a.scratch.products)
    pooler.backward(dHidden, parameters, into: dx, a.scratch.products)
  }
}
