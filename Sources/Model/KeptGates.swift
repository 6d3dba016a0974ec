/// What the gated activation of every MLP keeps for its backward pass: gate and up, [layers, tokens, intermediate] each.
///
/// With products of bfloat16 numbers they are rounded to such once they were used, which halves the largest part of the
/// activations.
struct KeptGates: ~Copyable {
  private let tokens: Int, width: Int, layers: Int
  private let gate: FloatBuffer, up: FloatBuffer
  private let roundedGate: BFloat16Buffer, roundedUp: BFloat16Buffer
  private let rounds: Bool

  init(_ plan: ActivationPlan, _ precision: Precision, layers: Int, width: Int) {
    (tokens, self.width, self.layers) = (plan.tokens, width, layers)
    rounds = plan.roundsKept(precision)
    let count = layers * tokens * width
    gate = FloatBuffer(count: rounds ? 0 : count)
    up = FloatBuffer(count: rounds ? 0 : count)
    roundedGate = BFloat16Buffer(count: rounds ? count : 0)
    roundedUp = BFloat16Buffer(count: rounds ? count : 0)
  }

  private func start(_ layer: Int) -> Int { min(layer, layers - 1) * tokens * width }

  /// Where the gates of a layer are computed: [rows, intermediate]; in `spare` where they will be rounded.
  @_lifetime(borrow self, borrow spare)
  func gate(_ layer: Int, _ rows: Int, spare: borrowing FloatBuffer) -> MutableMatrixView {
    rounds ? spare.matrix(rows, width) : gate.matrix(rows, width, at: start(layer))
  }

  /// The same for what is multiplied with them.
  @_lifetime(borrow self, borrow spare)
  func up(_ layer: Int, _ rows: Int, spare: borrowing FloatBuffer) -> MutableMatrixView {
    rounds ? spare.matrix(rows, width) : up.matrix(rows, width, at: start(layer))
  }

  /// y = silu(gate) * up, which may take up's place, and keeps both.
  func forward(_ layer: Int, gate: MatrixView, up: MatrixView, into y: MutableMatrixView) {
    if rounds {
      roundedGate.round(gate, at: start(layer))
      roundedUp.round(up, at: start(layer))
    }
    SwiGLU.forward(gate: gate, up: up, into: y)
  }

  /// y = silu(gate) * up once more, of what was kept.
  func again(_ layer: Int, into y: MutableMatrixView) {
    let (rows, start) = (y.rows, start(layer))
    guard rounds else {
      return SwiGLU.forward(
        gate: gate.matrix(rows, width, at: start).view, up: up.matrix(rows, width, at: start).view,
        into: y)
    }
    SwiGLU.forward(
      gate: roundedGate.matrix(rows, width, at: start),
      up: roundedUp.matrix(rows, width, at: start), into: y)
  }

  /// dgate = dy * up * silu'(gate), which may take dy's place, dup = dy * silu(gate), of what was kept.
  func backward(
    _ layer: Int, _ dy: MatrixView, intoGate dGate: MutableMatrixView, intoUp dUp: MutableMatrixView
  ) {
    let (rows, start) = (dy.rows, start(layer))
    guard rounds else {
      return SwiGLU.backward(
        dy, gate: gate.matrix(rows, width, at: start).view,
        up: up.matrix(rows, width, at: start).view, intoGate: dGate, intoUp: dUp)
    }
    SwiGLU.backward(
      dy, gate: roundedGate.matrix(rows, width, at: start),
      up: roundedUp.matrix(rows, width, at: start), intoGate: dGate, intoUp: dUp)
  }
}
