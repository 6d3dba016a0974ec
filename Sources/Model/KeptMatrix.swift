/// A matrix of every layer that a forward pass keeps for its backward pass: [layers, tokens, width].
///
/// With products of bfloat16 numbers it is rounded to such once the forward pass has used it, and there are 32-bit floats of the
/// layer at work alone.
struct KeptMatrix: ~Copyable {
  private let tokens: Int, width: Int, layers: Int
  /// Of all layers, or where it is rounded of the one at work.
  private let values: FloatBuffer
  private let rounded: BFloat16Buffer
  private let rounds: Bool

  init(layers: Int, tokens: Int, width: Int, rounds: Bool) {
    (self.layers, self.tokens, self.width, self.rounds) = (layers, tokens, width, rounds)
    values = FloatBuffer(count: (rounds ? min(layers, 1) : layers) * tokens * width)
    rounded = BFloat16Buffer(count: rounds ? layers * tokens * width : 0)
  }

  private func start(_ layer: Int) -> Int { min(layer, layers - 1) * tokens * width }

  /// Where the forward pass computes it: [rows, width].
  @_lifetime(borrow self)
  func current(_ layer: Int, _ rows: Int) -> MutableMatrixView {
    values.matrix(rows, width, at: rounds ? 0 : start(layer))
  }

  /// Keeps what was computed.
  func keep(_ layer: Int, _ rows: Int) {
    if rounds { rounded.round(current(layer, rows).view, at: start(layer)) }
  }

  /// What was kept: [rows, width], until another layer's is asked for.
  @_lifetime(borrow self)
  func again(_ layer: Int, _ rows: Int) -> MatrixView {
    if rounds { rounded.widen(from: start(layer), into: current(layer, rows)) }
    return current(layer, rows).view
  }
}
