/// GPT-2's printable stand-ins for the 256 bytes.
enum ByteAlphabet {
  /// The scalar that stands for each byte.
  static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 256
    return (0..<256).map { (byte: UInt32) in
      let isPrintable =
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
      defer { if !isPrintable { next += 1 } }
      return Unicode.Scalar(isPrintable ? byte : next) ?? "?"
    }
  }()

  /// The byte that each stand-in below 512 means, or -1.
  private static let bytes: [Int16] = {
    var bytes = [Int16](repeating: -1, count: 512)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = Int16(byte) }
    return bytes
  }()

  /// Appends the bytes a token stands for; a token that has other characters too stands for itself.
  static func append(bytesOf token: ArraySlice<UInt8>, to result: inout [UInt8]) {
    let count = result.count
    for scalar in String(decoding: token, as: UTF8.self).unicodeScalars {
      guard scalar.value < 512, bytes[Int(scalar.value)] >= 0 else {
        result.removeLast(result.count - count)
        result += token
        return
      }
      result.append(UInt8(bytes[Int(scalar.value)]))
    }
  }
}
