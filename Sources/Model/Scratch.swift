/// Memory that a layer uses within one call and nobody reads afterwards.
package struct Scratch: ~Copyable {
  /// Weights widened to 32 bits.
  let panel: FloatBuffer
  /// The masked input of an adapter: [tokens, widest input].
  let dropped: FloatBuffer
  /// [tokens, rank]
  let lowRank: FloatBuffer
  /// Attention probabilities of a block of queries, and their gradients: 2 x [block, longest sequence].
  let scores: FloatBuffer
  /// A chunk of logits: [chunk, vocabulary].
  let logits: FloatBuffer

  /// Allocates as many elements as are given for each purpose.
  package init(
    panel: Int = 0, dropped: Int = 0, lowRank: Int = 0, scores: Int = 0, logits: Int = 0
  ) {
    self.panel = FloatBuffer(count: panel)
    self.dropped = FloatBuffer(count: dropped)
    self.lowRank = FloatBuffer(count: lowRank)
    self.scores = FloatBuffer(count: scores)
    self.logits = FloatBuffer(count: logits)
  }
}
