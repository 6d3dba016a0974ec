import Model
import TestSupport
import Testing

/// Forward passes of the layers without weights of their own, against their formulas in double precision.
struct LayerForwardTests {
  private static let tolerance = 1e-6

  @Test(arguments: [1, 2, 7, 16, 33, 130], [1, 3])
  func `RMSNorm gives each group its formula`(size: Int, groups: Int) {
    let rows = 5
    let norm = RMSNorm(weight: randomValues(size, seed: 1).map { 1 + $0 }, epsilon: 1e-3)
    let x = randomValues(rows * groups * size, seed: 2).map { 3 * $0 }
    let y = FloatBuffer(count: x.count)
    let inverse = FloatBuffer(count: rows * groups)
    norm.forward(
      FloatBuffer(x).matrix(rows, groups * size).view, into: y.matrix(rows, groups * size),
      inverseRMS: inverse.matrix(rows, groups))
    let expected = ReferenceLayers.rmsNorm(
      ReferenceMatrix(rows, groups * size, x), weight: norm.weight, epsilon: 1e-3)
    #expect(relativeError(y.array(), expected.floats) < Self.tolerance)
    let ones = ReferenceLayers.rmsNorm(
      ReferenceMatrix(rows, groups * size, x), weight: [Float](repeating: 1, count: size),
      epsilon: 1e-3)
    for index in 0..<rows * groups where x[index * size] != 0 {
      let ratio = ones.values[index * size] / Double(x[index * size])
      #expect(abs(Double(inverse.array()[index]) / ratio - 1) < 1e-6)
    }
  }

  @Test func `RMSNorm of zeros is zero`() {
    let norm = RMSNorm(weight: [1, 1, 1], epsilon: 1e-6)
    let y = FloatBuffer([9, 9, 9])
    norm.forward(
      FloatBuffer(count: 3).row().view, into: y.row(),
      inverseRMS: FloatBuffer(count: 1).row())
    #expect(y.array() == [0, 0, 0])
  }

  @Test(arguments: [1, 17, 40])
  func `SwiGLU gives its formula in each row`(size: Int) {
    let rows = 4
    let gate = randomValues(rows * size, seed: 3).map { 30 * $0 }
    let up = randomValues(rows * size, seed: 4)
    let y = FloatBuffer(count: rows * size)
    SwiGLU.forward(
      gate: FloatBuffer(gate).matrix(rows, size).view, up: FloatBuffer(up).matrix(rows, size).view,
      into: y.matrix(rows, size))
    let expected = ReferenceLayers.swiGLU(
      gate: ReferenceMatrix(rows, size, gate), up: ReferenceMatrix(rows, size, up))
    #expect(relativeError(y.array(), expected.floats) < Self.tolerance)
  }

  /// Angles are computed in single precision, as the reference models do: 1e-7 of the largest position.
  @Test(arguments: [2, 8, 128], [1e4, 1e6])
  func `rotation starts anew in each sequence`(size: Int, theta: Double) {
    let sequences = [0..<1, 1..<64, 64..<70]
    let (rows, heads) = (70, 3)
    let rotary = RotaryEmbedding(headSize: size, theta: theta, positions: 63)
    let x = randomValues(rows * heads * size, seed: 5)
    let y = FloatBuffer(x)
    rotary.forward(
      y.matrix(rows, heads * size), sequences: sequences.map { PackedSequence(rows: $0) })
    let expected = ReferenceLayers.rotate(
      ReferenceMatrix(rows, heads * size, x), headSize: size, theta: theta, sequences: sequences)
    #expect(relativeError(y.array(), expected.floats) < 63e-7)
    rotary.backward(
      y.matrix(rows, heads * size), sequences: sequences.map { PackedSequence(rows: $0) })
    #expect(relativeError(y.array(), x) < Self.tolerance)
  }

  @Test func `a sequence longer than the planned positions is refused`() async {
    await #expect(processExitsWith: .failure) {
      let rotary = RotaryEmbedding(headSize: 4, theta: 1e4, positions: 3)
      rotary.forward(FloatBuffer(count: 16).matrix(4, 4), sequences: [PackedSequence(rows: 0..<4)])
    }
  }
}
