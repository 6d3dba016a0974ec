import Model
import TestSupport

/// Random weights in a file, as layers read them.
struct SampleWeights {
  let folder: TemporaryFolder
  /// [rows, columns], in the file's own precision.
  let weight: WeightMatrix
  let reference: ReferenceMatrix

  /// - Parameter misalignment: Bytes by which the data lies off a multiple of 8.
  init(
    _ rows: Int, _ columns: Int, _ type: ElementType = .float32, seed: UInt64 = 1,
    misalignment: Int = 0
  ) throws {
    let size = 1 / Float(columns).squareRoot()
    let values = randomValues(rows * columns, seed: seed).map { 2 * size * $0 }
    var image = SafetensorsImage([
      .init("w", type.rawValue, [rows, columns], values.encoded(as: type))
    ])
    while image.header.count % 8 != misalignment {
      image.setHeader(image.header + [UInt8(ascii: " ")])
    }
    folder = try TemporaryFolder()
    try image.write(to: folder.path + "/model.safetensors")
    weight = try WeightFolder(path: folder.path).matrix("w", rows, columns)
    let stored = FloatBuffer(count: rows * columns)
    weight.widen(rows: 0..<rows, into: stored.matrix(rows, columns))
    reference = ReferenceMatrix(rows, columns, stored.array())
  }
}
