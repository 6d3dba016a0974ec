/// Memory that a layer uses within one call and nobody reads afterwards.
package struct Scratch: ~Copyable {
  /// Matrix products, with widened weights and rounded operands.
  package let products: MatrixProducts
  /// Where the time goes, for benchmarks.
  package let profile = PassProfile()
  /// The masked input of an adapter: [tokens, widest input].
  let dropped: FloatBuffer
  /// [tokens, rank]
  let lowRank: FloatBuffer
  /// Attention probabilities of a block of queries, and their gradients: 2 x [block, longest sequence].
  let scores: FloatBuffer
  /// A chunk of logits: [chunk, vocabulary], or [chunk, panel] where there is no backward pass.
  let logits: FloatBuffer
  /// What the loss's gradient by a panel of logits is: [chunk, panel].
  let probabilities: FloatBuffer
  /// The largest logit of each row and the sum of exp(logit - largest): [chunk, 2].
  let logSumExp: FloatBuffer

  /// Allocates as many elements as are given for each purpose.
  package init(
    _ products: consuming MatrixProducts, dropped: Int = 0, lowRank: Int = 0, scores: Int = 0,
    logits: Int = 0, probabilities: Int = 0, logitRows: Int = 0
  ) {
    self.products = products
    self.dropped = FloatBuffer(count: dropped)
    self.lowRank = FloatBuffer(count: lowRank)
    self.scores = FloatBuffer(count: scores)
    self.logits = FloatBuffer(count: logits)
    self.probabilities = FloatBuffer(count: probabilities)
    logSumExp = FloatBuffer(count: 2 * logitRows)
  }
}
