internal import Foundation

/// A model's weight files with an adapter added to its projections: W + s B A, in the element type of the original.
///
/// Source: Hu et al., LoRA, 2021, section 4.1; PEFT's `merge_and_unload` gives the same.
package struct MergedWeights: ~Copyable {
  private let folder: WeightFolder
  private let layout: AdapterLayout
  private let parameters: FloatBuffer
  private let pairs: [String: AdapterPair]
  private static let pieceBytes = 8 << 20

  package init(_ folder: WeightFolder, _ layout: AdapterLayout, parameters: [Float]) {
    precondition(parameters.count == layout.count, "the adapter has another layout")
    self.folder = folder
    self.layout = layout
    let buffer = FloatBuffer(count: parameters.count)
    buffer.copy(from: parameters)
    self.parameters = buffer
    var pairs: [String: AdapterPair] = [:]
    for layer in 0..<layout.layerCount {
      for projection in layout.configuration.targets {
        guard let pair = layout.pair(layer: layer, projection) else { continue }
        pairs[pair.a.name.replacing(".lora_A.weight", with: ".weight")] = pair
      }
    }
    self.pairs = pairs
  }

  /// Writes every weight file under its own name into `target`, each complete or not there, a piece at a time.
  package func write(to target: String) throws {
    for file in folder.safetensors {
      let name = URL(filePath: file.file.path).lastPathComponent
      let temporary = "\(target)/.\(name).tmp"
      guard FileManager.default.createFile(atPath: temporary, contents: nil) else {
        throw ModelError(.invalid, "cannot create \(temporary); check the folder and its space")
      }
      do {
        let output = try FileHandle(forWritingTo: URL(filePath: temporary))
        try write(file, to: output)
        try output.synchronize()
        try output.close()
        try FileManager.default.moveItem(atPath: temporary, toPath: "\(target)/\(name)")
      } catch {
        try FileManager.default.removeItem(atPath: temporary)
        throw error
      }
    }
  }

  /// The header as it stands, then the tensors in the order of their bytes.
  private func write(_ file: SafetensorsFile, to output: FileHandle) throws {
    let entries = file.tensors.values.sorted { $0.bytes.lowerBound < $1.bytes.lowerBound }
    let header = 0..<(entries.first?.bytes.lowerBound ?? file.file.count)
    try output.write(contentsOf: file.file.bytes(header))
    for entry in entries {
      if let pair = pairs[entry.name] {
        try write(merging: pair, into: entry, of: file, to: output)
      } else {
        for start in stride(
          from: entry.bytes.lowerBound, to: entry.bytes.upperBound, by: Self.pieceBytes)
        {
          let end = min(start + Self.pieceBytes, entry.bytes.upperBound)
          try output.write(contentsOf: file.file.bytes(start..<end))
        }
      }
    }
  }

  private func write(
    merging pair: AdapterPair, into entry: TensorEntry, of file: SafetensorsFile,
    to output: FileHandle
  ) throws {
    let (rows, columns) = (pair.b.rows, pair.a.columns)
    let weight = WeightMatrix(file: file.file, entry: entry, rows: rows, columns: columns)
    let a = parameters.matrix(pair.a.rows, columns, at: pair.a.offset).view
    let b = parameters.matrix(rows, pair.b.columns, at: pair.b.offset).view
    let panel = max(1, Self.pieceBytes / (4 * columns))
    let buffer = FloatBuffer(count: min(panel, rows) * columns)
    for start in stride(from: 0, to: rows, by: panel) {
      let range = start..<min(start + panel, rows)
      let merged = buffer.matrix(range.count, columns)
      weight.widen(rows: range, into: merged)
      BLAS.multiply(
        b.rows(range), a, scale: layout.configuration.scaling, accumulatingInto: merged)
      try output.write(contentsOf: entry.elementType.bytes(of: merged.view))
    }
  }
}

extension ElementType {
  /// The elements, row after row, in this type and little-endian, each rounded to the nearest, ties to even.
  func bytes(of values: MatrixView) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.rows * values.columns * byteCount)
    for value in values.array() {
      switch self {
      case .float32: append(value.bitPattern, to: &bytes)
      case .float16: append(Float16(value).bitPattern, to: &bytes)
      case .bfloat16: append(Self.bfloat16(value), to: &bytes)
      }
    }
    return bytes
  }

  private func append<Word: FixedWidthInteger>(_ word: Word, to bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: Word.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: word >> Word(shift)))
    }
  }

  /// The upper half of a float's bits, rounded; NaN stays NaN.
  static func bfloat16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
  }
}
