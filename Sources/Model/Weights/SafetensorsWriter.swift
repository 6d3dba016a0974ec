/// The bytes of a safetensors file of 32-bit tensors, in the order of their names.
package enum SafetensorsWriter {
  /// One tensor to write.
  package struct Tensor {
    package let name: String
    package let shape: [Int]
    package let values: [Float]

    package init(name: String, shape: [Int], values: [Float]) {
      precondition(shape.reduce(1, *) == values.count, "the shape does not fit the values")
      self.name = name
      self.shape = shape
      self.values = values
    }
  }

  /// Header length, header padded to a multiple of 8 bytes, then the tensors without gaps.
  package static func bytes(_ tensors: [Tensor]) -> [UInt8] {
    let sorted = tensors.sorted { $0.name < $1.name }
    var bytes = header(sorted.map { ($0.name, .float32, $0.shape) })
    bytes.reserveCapacity(bytes.count + 4 * sorted.reduce(0) { $0 + $1.values.count })
    for tensor in sorted {
      for value in tensor.values {
        let bits = value.bitPattern
        bytes.append(UInt8(truncatingIfNeeded: bits))
        bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
        bytes.append(UInt8(truncatingIfNeeded: bits >> 16))
        bytes.append(UInt8(truncatingIfNeeded: bits >> 24))
      }
    }
    return bytes
  }

  /// What stands before the bytes of tensors that follow one another in this order.
  package static func header(
    _ tensors: [(name: String, type: ElementType, shape: [Int])]
  ) -> [UInt8] {
    var header: JSONObject = ["__metadata__": .object(["format": .string("pt")])]
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.type.byteCount * tensor.shape.reduce(1, *)
      header[tensor.name] = .object([
        "dtype": .string(tensor.type.rawValue),
        "shape": .array(tensor.shape.map(JSONValue.integer)),
        "data_offsets": .array([.integer(offset), .integer(end)]),
      ])
      offset = end
    }
    var text = Array(JSONValue.object(header).text().utf8)
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    return (0..<8).map { UInt8(truncatingIfNeeded: UInt64(text.count) >> (8 * UInt64($0))) } + text
  }
}
