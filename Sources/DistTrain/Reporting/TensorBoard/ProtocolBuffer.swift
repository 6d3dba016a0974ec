/// A message in Protocol Buffers' wire format, field after field.
struct ProtocolBuffer {
  private(set) var bytes: [UInt8] = []

  private enum WireType: UInt64 {
    case variable = 0
    case eightBytes = 1
    case lengthDelimited = 2
    case fourBytes = 5
  }

  /// A field of type int64, uint64, bool or enum; negative numbers take ten bytes.
  mutating func integer(_ value: Int, field: UInt64) {
    tag(field, .variable)
    variable(UInt64(bitPattern: Int64(value)))
  }

  mutating func double(_ value: Double, field: UInt64) {
    tag(field, .eightBytes)
    bytes += value.bitPattern.littleEndianBytes
  }

  mutating func float(_ value: Float, field: UInt64) {
    tag(field, .fourBytes)
    bytes += value.bitPattern.littleEndianBytes
  }

  /// A field of type string, bytes or message.
  mutating func bytes(_ value: [UInt8], field: UInt64) {
    tag(field, .lengthDelimited)
    variable(UInt64(value.count))
    bytes += value
  }

  mutating func text(_ value: String, field: UInt64) { bytes(Array(value.utf8), field: field) }

  private mutating func tag(_ field: UInt64, _ type: WireType) {
    variable(field << 3 | type.rawValue)
  }

  /// Seven bits a byte, the lowest first; all but the last byte have their highest bit set.
  private mutating func variable(_ value: UInt64) {
    var rest = value
    while rest > 0x7F {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

extension FixedWidthInteger {
  /// The bytes of this number, the lowest first.
  var littleEndianBytes: [UInt8] {
    (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) }
  }
}
