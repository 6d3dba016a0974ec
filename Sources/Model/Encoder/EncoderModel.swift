/// A BERT, RoBERTa or DistilBERT encoder with a multiple-choice head, every parameter trained.
///
/// The parameters lie in an arena of the caller's, in the order of `layout`.
package struct EncoderModel: Sendable {
  package let configuration: EncoderConfiguration
  package let layout: ParameterLayout
  let embeddings: Embeddings
  let blocks: [EncoderBlock]
  let head: ChoiceHead
  /// What the operands of matrix products are rounded to.
  package let precision: Precision

  package init(_ configuration: EncoderConfiguration, precision: Precision = .float32) {
    var layout = ParameterLayout()
    head = ChoiceHead(configuration, placingIn: &layout)
    var blocks: [EncoderBlock] = []
    for layer in (0..<configuration.layerCount).reversed() {
      blocks.append(EncoderBlock(layer, configuration, placingIn: &layout))
    }
    self.blocks = blocks.reversed()
    embeddings = Embeddings(configuration, placingIn: &layout)
    self.configuration = configuration
    self.layout = layout
    self.precision = precision
  }

  /// Returns the loss sum over the batch's questions and adds its gradient to `gradients`.
  ///
  /// - Parameters:
  ///   - parameters: The arena of parameters, in the order of `layout`.
  ///   - gradients: The arena that gets d(loss sum) / d(parameter) added.
  ///   - completed: Called with ever later ends of what is complete in it, up to the embeddings.
  package func forwardBackward(
    _ batch: ChoiceBatch, parameters: borrowing FloatBuffer, dropout: EncoderDropout?,
    loss: ChoiceLoss, accumulatingInto gradients: borrowing FloatBuffer,
    _ activations: borrowing EncoderActivations, completed: (_ end: Int) -> Void = { _ in }
  ) -> Double {
    let a = activations.plan
    precondition(a.keepsForBackward, "this plan keeps nothing for a backward pass")
    precondition(
      parameters.count == layout.count && gradients.count == layout.count, "the arenas differ")
    guard !batch.questions.isEmpty else { return 0 }
    let tokens = batch.tokens.count
    let pass = forward(batch, parameters, dropout, activations)
    let lossSum = loss.forwardBackward(
      activations.logits.matrix(batch.sequences.count, 1).view, batch,
      into: activations.dLogits.matrix(batch.sequences.count, 1))
    head.backward(
      x: activations.stream(configuration.layerCount, batch.sequences.count).view, parameters,
      dropout: dropout?.head,
      into: activations.dStream.matrix(batch.sequences.count, configuration.hiddenSize),
      accumulatingInto: gradients, activations)
    activations.scratch.profile.lap(.crossEntropy)
    for block in blocks.reversed() {
      block.backward(
        pass, parameters, accumulatingInto: gradients, activations, completed: completed)
    }
    embeddings.backward(
      activations.dStream.matrix(tokens, configuration.hiddenSize).view, batch, parameters,
      dropout: dropout?.hidden,
      sum: activations.embedded.matrix(tokens, configuration.hiddenSize).view,
      moments: activations.embeddedMoments.matrix(tokens, 2).view,
      mask: activations.embeddingMask(tokens),
      dNormed: activations.branch.matrix(tokens, configuration.hiddenSize),
      dSum: activations.dSum.matrix(tokens, configuration.hiddenSize), accumulatingInto: gradients)
    activations.scratch.profile.lap(.elementWise)
    return lossSum
  }

  /// Where the gradient of a batch may differ from zero: everything but the rows of words that do not occur in it.
  ///
  /// An arena that is zeroed and summed there alone saves most of the vocabulary.
  package func touchedRanges(_ batch: ChoiceBatch) -> [Range<Int>] {
    let hidden = configuration.hiddenSize
    var ranges = [0..<embeddings.words]
    for word in Set(batch.tokens).sorted() {
      let start = embeddings.words + Int(word) * hidden
      if let last = ranges.last, last.upperBound == start {
        ranges[ranges.count - 1] = last.lowerBound..<start + hidden
      } else {
        ranges.append(start..<start + hidden)
      }
    }
    return ranges
  }

  /// Returns the logits of each question's options, without dropout: [questions][options].
  package func logits(
    _ batch: ChoiceBatch, parameters: borrowing FloatBuffer,
    _ activations: borrowing EncoderActivations
  ) -> [[Float]] {
    guard !batch.questions.isEmpty else { return [] }
    _ = forward(batch, parameters, nil, activations)
    let logits = activations.logits.matrix(batch.sequences.count, 1).view.array()
    return batch.questions.map { Array(logits[$0]) }
  }

  /// Leaves the logits in `activations`.
  private func forward(
    _ batch: ChoiceBatch, _ parameters: borrowing FloatBuffer, _ dropout: EncoderDropout?,
    _ activations: borrowing EncoderActivations
  ) -> EncoderBlock.Pass {
    precondition(activations.plan.fits(batch), "the micro-batch is larger than the plan")
    precondition(
      dropout == nil || activations.plan.keepsForBackward, "this plan has no room for masks")
    let (tokens, hidden) = (batch.tokens.count, configuration.hiddenSize)
    activations.scratch.profile.begin()
    embeddings.forward(
      batch, parameters, dropout: dropout?.hidden, sum: activations.embedded.matrix(tokens, hidden),
      moments: activations.embeddedMoments.matrix(tokens, 2),
      mask: activations.embeddingMask(tokens), normed: activations.branch.matrix(tokens, hidden),
      into: activations.stream(0, tokens))
    activations.scratch.profile.lap(.elementWise)
    let pass = EncoderBlock.Pass(batch, configuration.headCount, dropout)
    for block in blocks { block.forward(pass, parameters, activations) }
    head.forward(
      activations.stream(configuration.layerCount, batch.sequences.count).view, parameters,
      dropout: dropout?.head, activations)
    activations.scratch.profile.lap(.crossEntropy)
    return pass
  }
}
