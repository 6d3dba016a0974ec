/// The element types of safetensors files that this program reads.
package enum ElementType: String, Sendable {
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"

  package var byteCount: Int { self == .float32 ? 4 : 2 }
}

/// One tensor of a safetensors file.
package struct TensorEntry: Sendable {
  package let name: String
  package let elementType: ElementType
  package let shape: [Int]
  /// Where its bytes lie, counted from the start of the file.
  package let bytes: Range<Int>

  package var count: Int { shape.reduce(1, *) }
}

/// A safetensors file, checked and mapped: 8 bytes of header length, a JSON header, contiguous tensor bytes.
///
/// Source: the format's page at github.com/huggingface/safetensors.
package struct SafetensorsFile: Sendable {
  package let file: MappedFile
  package let tensors: [String: TensorEntry]
  /// The free text pairs of the header.
  package let metadata: JSONObject
  private static let maximumHeader = 100_000_000

  /// Reads and checks the header; throws `ModelError` that names the file and the tensor.
  ///
  /// - Parameter isIgnored: Tells by the name which tensors are left out, whatever their type.
  package init(
    path: String, ignoring isIgnored: (String) -> Bool = { _ in false }
  ) throws(ModelError) {
    file = try MappedFile(path: path)
    let fault = { (reason: String) in ModelError(.invalid, "\(path): \(reason)") }
    guard file.count >= 8 else {
      throw fault("too short for a safetensors file; copy it again")
    }
    let length = file.bytes(0..<8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= Self.maximumHeader, Int(length) <= file.count - 8 else {
      throw fault("its header of \(length) bytes does not fit the file; copy it again")
    }
    let header: JSONValue
    do {
      header = try JSONParser.parse(file.bytes(8..<8 + Int(length)))
    } catch { throw fault("its header is not valid JSON (\(error))") }
    guard let object = header.objectValue else { throw fault("its header is not an object") }
    var entries: [TensorEntry] = []
    var extents: [(name: String, bytes: Range<Int>)] = []
    var metadata = JSONObject()
    for (name, value) in zip(object.keys, object.values) {
      if name == "__metadata__" {
        guard let pairs = value.objectValue, pairs.values.allSatisfy({ $0.stringValue != nil })
        else { throw fault("its __metadata__ is not an object of strings") }
        metadata = pairs
      } else {
        let offsets = try Self.offsets(name, value, dataStart: 8 + Int(length), fault: fault)
        extents.append((name, offsets))
        if isIgnored(name) { continue }
        entries.append(try Self.entry(name, value, offsets, fault: fault))
      }
    }
    try Self.checkContiguous(extents, from: 8 + Int(length), to: file.count, fault: fault)
    tensors = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0) })
    self.metadata = metadata
  }

  /// Where a tensor's bytes lie, counted from the start of the file.
  private static func offsets(
    _ name: String, _ value: JSONValue, dataStart: Int, fault: (String) -> ModelError
  ) throws(ModelError) -> Range<Int> {
    guard value["dtype"]?.stringValue != nil, value["shape"]?.arrayValue != nil,
      let offsets = value["data_offsets"]?.arrayValue?.map({ $0.intValue ?? -1 }),
      offsets.count == 2, offsets[0] >= 0, offsets[1] >= offsets[0], value.objectValue?.count == 3
    else { throw fault("the entry of tensor \(name) is malformed") }
    guard offsets[1] <= Int.max - dataStart else {
      throw fault("tensor \(name) ends beyond any file")
    }
    return dataStart + offsets[0]..<dataStart + offsets[1]
  }

  private static func entry(
    _ name: String, _ value: JSONValue, _ bytes: Range<Int>, fault: (String) -> ModelError
  ) throws(ModelError) -> TensorEntry {
    let typeName = value["dtype"]?.stringValue ?? ""
    guard let elementType = ElementType(rawValue: typeName) else {
      throw ModelError(
        .unsupported,
        fault("tensor \(name) is of type \(typeName); F32, F16 and BF16 are supported").description)
    }
    let shape = value["shape"]?.arrayValue ?? []
    var byteCount = elementType.byteCount
    for value in shape {
      guard let size = value.intValue, size >= 0 else {
        throw fault("the shape of tensor \(name) is malformed")
      }
      let (product, overflow) = byteCount.multipliedReportingOverflow(by: size)
      guard !overflow else { throw fault("the shape of tensor \(name) is too large") }
      byteCount = product
    }
    guard byteCount == bytes.count else {
      throw fault("tensor \(name) has \(bytes.count) bytes, its shape needs \(byteCount)")
    }
    return TensorEntry(
      name: name, elementType: elementType, shape: shape.compactMap(\.intValue), bytes: bytes)
  }

  private static func checkContiguous(
    _ entries: [(name: String, bytes: Range<Int>)], from start: Int, to end: Int,
    fault: (String) -> ModelError
  ) throws(ModelError) {
    var position = start
    let order = entries.sorted {
      ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound)
    }
    for entry in order {
      guard entry.bytes.lowerBound == position else {
        throw fault("tensor \(entry.name) overlaps another one or leaves a gap before it")
      }
      position = entry.bytes.upperBound
    }
    guard position == end else {
      throw fault(
        position > end
          ? "truncated: \(end) bytes where its header needs \(position); copy it again"
          : "\(end - position) bytes more than its header says")
    }
  }

  /// The tensor `name` widened to 32-bit floats, copied.
  package func floats(_ name: String) -> [Float]? {
    guard let entry = tensors[name] else { return nil }
    let matrix = WeightMatrix(file: file, entry: entry, rows: 1, columns: entry.count)
    let buffer = FloatBuffer(count: entry.count)
    matrix.widen(rows: 0..<1, into: buffer.row())
    return buffer.array()
  }
}
