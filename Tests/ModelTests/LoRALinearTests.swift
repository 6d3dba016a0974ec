import Model
import TestSupport
import Testing

/// One adapted projection of a tiny model with everything its two passes need.
struct LoRALinearSample {
  static let tokens = 11
  let tiny: TinyQwen
  let layer: LoRALinear
  let layout: AdapterLayout
  let pair: AdapterPair
  let weight: ReferenceMatrix
  let bias: [Float]
  let dropout: Dropout?
  let x: [Float], adapter: [Float]

  var inputs: Int { weight.columns }
  var outputs: Int { weight.rows }

  init(_ projection: Projection, rank: Int = 3, alpha: Float = 6, dropout: Float = 0) throws {
    tiny = try TinyQwen(layers: 1, intermediate: 45)
    layout = AdapterLayout(
      tiny.configuration,
      LoRAConfiguration(
        rank: rank, alpha: alpha, dropout: dropout, targets: [.query, projection, .gate]))
    pair = try #require(layout.pair(layer: 0, projection))
    let shape = tiny.configuration.shape(of: projection)
    let base = try WeightFolder(path: tiny.folder).matrix(
      "model.layers.0.\(projection.parent).\(projection.name).weight", shape.out, shape.in)
    let stored = FloatBuffer(count: shape.out * shape.in)
    base.widen(rows: 0..<shape.out, into: stored.matrix(shape.out, shape.in))
    weight = ReferenceMatrix(shape.out, shape.in, stored.array())
    bias = randomValues(shape.out, seed: 21)
    layer = LoRALinear(
      base: Linear(weight: base, bias: bias), pair: pair, scaling: alpha / Float(rank), module: 5)
    self.dropout = Dropout(probability: dropout, seed: 9, microBatch: 4)
    x = randomValues(Self.tokens * shape.in, seed: 22)
    adapter = randomValues(layout.count, seed: 23)
  }

  private func scratch() -> Scratch {
    Scratch(
      MatrixProducts(.float32, panel: layer.base.weight.panelCount(.float32)),
      dropped: Self.tokens * inputs, lowRank: Self.tokens * pair.a.rows,
      pairGradient: pair.a.range.count + pair.b.range.count)
  }

  private var segments: [Segment] { [Segment(rows: 0..<Self.tokens, dropout: dropout)] }

  /// 1 / (1 - p) where an element of the input is kept, else 0.
  func mask() -> ReferenceMatrix? {
    guard let dropout else { return nil }
    let ones = FloatBuffer([Float](repeating: 1, count: x.count))
    let mask = FloatBuffer(count: x.count)
    dropout.forward(
      ones.matrix(Self.tokens, inputs).view, module: layer.module,
      mask: DropoutMasks(byteCount: x.count).mask(x.count), into: mask.matrix(Self.tokens, inputs))
    return ReferenceMatrix(Self.tokens, inputs, mask.array())
  }

  func forward(
    _ x: [Float], _ adapter: [Float], masks: borrowing DropoutMasks
  ) -> (y: [Float], xA: [Float]) {
    let y = FloatBuffer([Float](repeating: .nan, count: Self.tokens * outputs))
    let xA = FloatBuffer([Float](repeating: .nan, count: Self.tokens * pair.a.rows))
    layer.forward(
      FloatBuffer(x).matrix(Self.tokens, inputs).view, segments: segments,
      adapter: FloatBuffer(adapter), into: y.matrix(Self.tokens, outputs),
      xA: xA.matrix(Self.tokens, pair.a.rows), mask: masks.mask(dropout == nil ? 0 : x.count),
      scratch: scratch())
    return (y.array(), xA.array())
  }

  func forward(_ x: [Float], _ adapter: [Float]) -> (y: [Float], xA: [Float]) {
    forward(x, adapter, masks: DropoutMasks(byteCount: x.count))
  }

  func backward(
    _ dy: [Float], _ x: [Float], _ adapter: [Float],
    _ inputGradient: LoRALinear.InputGradient = .accumulated,
    ontoInput dxStart: [Float]? = nil, ontoAdapter start: [Float]? = nil
  ) -> (dx: [Float], adapter: [Float]) {
    let dx = FloatBuffer(dxStart ?? [Float](repeating: 0, count: x.count))
    let gradients = FloatBuffer(start ?? [Float](repeating: 0, count: adapter.count))
    let masks = DropoutMasks(byteCount: x.count)
    let xA = FloatBuffer(forward(x, adapter, masks: masks).xA)
    layer.backward(
      FloatBuffer(dy).matrix(Self.tokens, outputs).view,
      x: FloatBuffer(x).matrix(Self.tokens, inputs).view, segments: segments,
      xA: xA.matrix(Self.tokens, pair.a.rows).view,
      mask: masks.mask(dropout == nil ? 0 : x.count), adapter: FloatBuffer(adapter), inputGradient,
      dx.matrix(Self.tokens, inputs), scratch: scratch(), sink: { gradients.add($2, at: $1) })
    return (dx.array(), gradients.array())
  }
}

struct LoRALinearTests {
  private static let dropouts: [Float] = [0, 0.4]

  @Test(arguments: Projection.allCases, dropouts)
  func `forward adds the scaled low-rank product of the masked input`(
    projection: Projection, dropout: Float
  ) throws {
    for (rank, alpha) in [(1, Float(16)), (3, 6), (16, 4)] {
      let sample = try LoRALinearSample(projection, rank: rank, alpha: alpha, dropout: dropout)
      let mask = sample.mask()
      #expect((mask == nil) == (dropout == 0))
      let expected = ReferenceLayers.lowRankLinear(
        ReferenceMatrix(LoRALinearSample.tokens, sample.inputs, sample.x), sample.weight,
        bias: sample.bias, a: sample.pair.a.matrix(in: sample.adapter),
        b: sample.pair.b.matrix(in: sample.adapter), scaling: Double(alpha) / Double(rank),
        mask: mask)
      let y = sample.forward(sample.x, sample.adapter).y
      #expect(relativeError(y, expected.floats) < 3e-6)
    }
  }

  /// Each argument of the layer by itself; all three are linear, so a wide step loses nothing.
  @Test(arguments: [Projection.query, .value, .down], dropouts)
  func `backward is the adjoint of forward in x, A and B`(
    projection: Projection, dropout: Float
  ) throws {
    let sample = try LoRALinearSample(projection, dropout: dropout)
    let byInput = adjointError(at: sample.x, seed: 31, step: 0.5) { x in
      sample.forward(x, sample.adapter).y
    } backward: { x, dy in
      sample.backward(dy, x, sample.adapter).dx
    }
    #expect(byInput < 1e-4)
    for range in [sample.pair.a.range, sample.pair.b.range] {
      func arena(_ part: [Float]) -> [Float] {
        var arena = sample.adapter
        arena.replaceSubrange(range, with: part)
        return arena
      }
      let error = adjointError(at: Array(sample.adapter[range]), seed: 32, step: 0.5) { part in
        sample.forward(sample.x, arena(part)).y
      } backward: { part, dy in
        Array(sample.backward(dy, sample.x, arena(part)).adapter[range])
      }
      #expect(error < 1e-4)
    }
  }

  @Test(arguments: [Projection.key, .down], dropouts)
  func `backward gives the formulas' gradients, and touches no other`(
    projection: Projection, dropout: Float
  ) throws {
    let sample = try LoRALinearSample(projection, dropout: dropout)
    let tokens = LoRALinearSample.tokens
    let dyValues = randomValues(tokens * sample.outputs, seed: 41)
    let dy = ReferenceMatrix(tokens, sample.outputs, dyValues)
    let x = ReferenceMatrix(tokens, sample.inputs, sample.x)
    let a = sample.pair.a.matrix(in: sample.adapter)
    let b = sample.pair.b.matrix(in: sample.adapter)
    let s = Double(sample.layer.scaling)
    let mask = sample.mask()
    let masked = mask.map { x.elementwise($0, *) } ?? x
    let dxA = s * (dy * b)
    let low = dxA * a
    let start = randomValues(sample.adapter.count, seed: 42)
    let dxStart = randomValues(sample.x.count, seed: 43)
    let (dx, gradients) = sample.backward(
      dyValues, sample.x, sample.adapter, ontoInput: dxStart, ontoAdapter: start)
    let expectedB = sample.pair.b.matrix(in: start) + s * (dy.transposed * masked * a.transposed)
    let expectedA = sample.pair.a.matrix(in: start) + dxA.transposed * masked
    let expectedX =
      ReferenceMatrix(tokens, sample.inputs, dxStart) + dy * sample.weight
      + (mask.map { low.elementwise($0, *) } ?? low)
    #expect(relativeError(Array(gradients[sample.pair.b.range]), expectedB.floats) < 3e-6)
    #expect(relativeError(Array(gradients[sample.pair.a.range]), expectedA.floats) < 3e-6)
    #expect(relativeError(dx, expectedX.floats) < 3e-6)
    for tensor in sample.layout.tensors where tensor != sample.pair.a && tensor != sample.pair.b {
      #expect(gradients[tensor.range] == start[tensor.range])
    }
  }

  @Test(arguments: dropouts)
  func `dx is left as it is where nobody wants it`(dropout: Float) throws {
    let sample = try LoRALinearSample(.value, dropout: dropout)
    let dy = randomValues(LoRALinearSample.tokens * sample.outputs, seed: 51)
    let start = randomValues(sample.x.count, seed: 52)
    let without = sample.backward(
      dy, sample.x, sample.adapter, .unwanted, ontoInput: start)
    #expect(without.dx == start)
    let added = sample.backward(dy, sample.x, sample.adapter)
    #expect(without.adapter == added.adapter)
    let overwritten = sample.backward(
      dy, sample.x, sample.adapter, .overwritten, ontoInput: start)
    #expect(relativeError(overwritten.dx, added.dx) < 1e-6)
    #expect(overwritten.adapter == added.adapter)
  }

  @Test func `a projection without an adapter is its base`() throws {
    let sample = try LoRALinearSample(.up, dropout: 0.4)
    let plain = LoRALinear(base: sample.layer.base, pair: nil, scaling: 2, module: 0)
    let tokens = LoRALinearSample.tokens
    let x = FloatBuffer(sample.x)
    let y = FloatBuffer(count: tokens * sample.outputs)
    let empty = FloatBuffer(count: 0)
    let masks = DropoutMasks(byteCount: 0)
    let scratch = Scratch(
      MatrixProducts(.float32, panel: plain.base.weight.panelCount(.float32)))
    plain.forward(
      x.matrix(tokens, sample.inputs).view, segments: [], adapter: empty,
      into: y.matrix(tokens, sample.outputs), xA: empty.matrix(0, 0), mask: masks.mask(0),
      scratch: scratch)
    let reference = ReferenceLayers.linear(
      ReferenceMatrix(tokens, sample.inputs, sample.x), sample.weight, bias: sample.bias)
    #expect(relativeError(y.array(), reference.floats) < 3e-6)
    let dy = FloatBuffer(randomValues(tokens * sample.outputs, seed: 61))
    let dx = FloatBuffer(count: sample.x.count)
    plain.backward(
      dy.matrix(tokens, sample.outputs).view, x: x.matrix(tokens, sample.inputs).view,
      segments: [], xA: empty.matrix(0, 0).view, mask: masks.mask(0), adapter: empty, .accumulated,
      dx.matrix(tokens, sample.inputs), scratch: scratch, sink: { _, _, _ in })
    let expected = ReferenceMatrix(tokens, sample.outputs, dy.array()) * sample.weight
    #expect(relativeError(dx.array(), expected.floats) < 3e-6)
  }
}
