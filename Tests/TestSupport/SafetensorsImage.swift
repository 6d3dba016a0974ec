package import Model

internal import Foundation

/// The parts of a safetensors file, each of which a test may change before it is written.
package struct SafetensorsImage: Sendable {
  /// One tensor with its bytes as they stand in the file.
  package struct Tensor: Sendable {
    package var name: String
    package var elementType: String
    package var shape: [Int]
    package var bytes: [UInt8]

    package init(_ name: String, _ elementType: String, _ shape: [Int], _ bytes: [UInt8]) {
      self.name = name
      self.elementType = elementType
      self.shape = shape
      self.bytes = bytes
    }
  }
  /// The text between the length and the data.
  package var header: [UInt8]
  package var data: [UInt8]
  /// What the first eight bytes say.
  package var headerLength: UInt64

  /// A sound file of `tensors`, one after the other.
  package init(_ tensors: [Tensor]) {
    var object = JSONObject()
    data = []
    for tensor in tensors {
      let start = data.count
      data += tensor.bytes
      object[tensor.name] = .object([
        "dtype": .string(tensor.elementType), "shape": .array(tensor.shape.map(JSONValue.integer)),
        "data_offsets": .array([.integer(start), .integer(data.count)]),
      ])
    }
    header = Array(JSONValue.object(object).text().utf8)
    headerLength = UInt64(header.count)
  }

  package init(path: String) throws {
    let bytes = try Array(Data(contentsOf: URL(filePath: path)))
    headerLength = bytes[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    header = Array(bytes[8..<8 + Int(headerLength)])
    data = Array(bytes[(8 + Int(headerLength))...])
  }

  package var bytes: [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: headerLength >> (8 * UInt64($0))) } + header + data
  }

  /// The tensors of a sound file, in the order of its header.
  package func tensors() throws -> [Tensor] {
    let object = try JSONParser.parse(header).objectValue ?? JSONObject()
    return zip(object.keys, object.values).compactMap { name, entry in
      guard let type = entry["dtype"]?.stringValue,
        let shape = entry["shape"]?.arrayValue?.compactMap(\.intValue),
        let offsets = entry["data_offsets"]?.arrayValue?.compactMap(\.intValue)
      else { return nil }
      return Tensor(name, type, shape, Array(data[offsets[0]..<offsets[1]]))
    }
  }

  /// Replaces the header, and its length with it.
  package mutating func setHeader(_ text: [UInt8]) {
    header = text
    headerLength = UInt64(text.count)
  }

  package func write(to path: String) throws {
    try Data(bytes).write(to: URL(filePath: path))
  }
}

extension Array<Float> {
  /// The bytes of these values rounded to a safetensors element type.
  package func encoded(as type: ElementType) -> [UInt8] {
    flatMap { value -> [UInt8] in
      let bits: UInt32
      switch type {
      case .float32: bits = value.bitPattern
      case .float16: bits = UInt32(Float16(value).bitPattern)
      case .bfloat16: bits = (value.bitPattern &+ 0x7fff &+ (value.bitPattern >> 16 & 1)) >> 16
      }
      return (0..<type.byteCount).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
    }
  }
}
