/// Memory that a layer uses within one call and nobody reads afterwards.
package struct Scratch: ~Copyable {
  /// Matrix products, with widened weights and rounded operands.
  package let products: MatrixProducts
  /// Where the time goes, for benchmarks.
  package let profile = PassProfile()
  /// The masked input of an adapter: [tokens, widest input].
  let dropped: FloatBuffer
  /// The gradient of x A^T: [tokens, rank].
  let lowRank: FloatBuffer
  /// The transpose of x A^T, then that of its gradient: [rank, tokens].
  let lowRankTransposed: FloatBuffer
  /// Attention probabilities of a block of queries, and their gradients: 2 x [block, longest sequence].
  let scores: FloatBuffer
  /// A panel of logits: [chunk, panel].
  let logits: FloatBuffer
  /// The row of the head that belongs to a target: [hidden].
  let headRow: FloatBuffer
  /// d(loss sum) / dB and d(loss sum) / dA of one projection in one micro-batch: [out, rank] and [rank, in].
  let pairGradient: FloatBuffer
  /// B^T and its gradient: [rank, out].
  let factorTransposed: FloatBuffer, factorGradient: FloatBuffer
  /// The largest logit of each row and the sum of exp(logit - largest): [chunk, 2].
  let logSumExp: FloatBuffer

  /// Allocates as many elements as are given for each purpose.
  package init(
    _ products: consuming MatrixProducts, dropped: Int = 0, lowRank: Int = 0, scores: Int = 0,
    logits: Int = 0, logitRows: Int = 0, headRow: Int = 0, pairGradient: Int = 0
  ) {
    self.products = products
    self.dropped = FloatBuffer(count: dropped)
    self.lowRank = FloatBuffer(count: lowRank)
    lowRankTransposed = FloatBuffer(count: lowRank)
    self.scores = FloatBuffer(count: scores)
    self.logits = FloatBuffer(count: logits)
    self.headRow = FloatBuffer(count: headRow)
    self.pairGradient = FloatBuffer(count: pairGradient)
    factorTransposed = FloatBuffer(count: pairGradient)
    factorGradient = FloatBuffer(count: pairGradient)
    logSumExp = FloatBuffer(count: 2 * logitRows)
  }
}
