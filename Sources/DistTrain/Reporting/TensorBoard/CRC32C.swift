/// The cyclic redundancy check of Castagnoli's polynomial, as TFRecord files use it.
package enum CRC32C {
  /// The remainder of every byte; the polynomial is 0x1EDC6F41 with its bits in reverse.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { rest, _ in rest & 1 == 1 ? rest >> 1 ^ 0x82F6_3B78 : rest >> 1 }
  }

  package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { rest, byte in rest >> 8 ^ table[Int((rest ^ UInt32(byte)) & 0xFF)] }
  }

  /// The checksum as it is stored beside its data: rotated by 15 bits and moved, so that a checksum of data that holds
  /// checksums still tells something.
  package static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let checksum = checksum(bytes)
    return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }
}
