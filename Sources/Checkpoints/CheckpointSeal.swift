import Crypto

/// The first 512 bytes of a checkpoint file, which vouch for the rest; docs/checkpoint-format.md lists each byte.
package struct CheckpointSeal: Equatable, Sendable {
  /// The size of the header, which HDF5 calls the user block and skips.
  package static let byteCount = 512
  /// The only format version so far.
  package static let version: UInt32 = 1
  /// The first byte is not ASCII and the last ones are line ends, so that a transfer as text shows.
  package static let magic: [UInt8] = [0x89] + Array("DTCK".utf8) + [0x0D, 0x0A, 0x1A]

  /// The number of bytes behind the header.
  package let imageLength: UInt64
  /// Their SHA-256.
  package let digest: [UInt8]

  /// Fills the first 512 bytes of `file` with the seal of the others.
  package static func seal(_ file: inout [UInt8]) {
    precondition(file.count > byteCount, "there is nothing to seal")
    var header = magic
    header += littleEndian(version)
    header += littleEndian(UInt32(byteCount))
    header += littleEndian(UInt64(file.count - byteCount))
    var hash = SHA256()
    hash.update(file, byteCount..<file.count)
    header += Array(hash.finalize())
    header += repeatElement(0, count: byteCount - header.count)
    file.replaceSubrange(0..<byteCount, with: header)
  }

  /// Reads the seal at the start of a file of `fileBytes` bytes and checks all but the digest.
  package init(
    _ header: [UInt8], fileBytes: Int, path: String
  ) throws(CheckpointError) {
    guard header.count == Self.byteCount, fileBytes > Self.byteCount else {
      throw .tooShort(path: path, bytes: fileBytes)
    }
    guard header.starts(with: Self.magic) else { throw .wrongMagic(path: path) }
    let version = UInt32(truncatingIfNeeded: Self.number(header[8..<12]))
    guard version == Self.version else { throw .unknownVersion(path: path, version: version) }
    guard Self.number(header[12..<16]) == Self.byteCount, header[56...].allSatisfy({ $0 == 0 })
    else { throw .damagedHeader(path: path) }
    imageLength = Self.number(header[16..<24])
    digest = Array(header[24..<56])
    guard imageLength == UInt64(fileBytes - Self.byteCount) else {
      let (expected, overflow) = imageLength.addingReportingOverflow(UInt64(Self.byteCount))
      throw .wrongLength(path: path, expected: overflow ? .max : expected, found: fileBytes)
    }
  }

  private static func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension SHA256 {
  mutating func update(_ bytes: [UInt8], _ range: Range<Int>) {
    unsafe bytes.withUnsafeBytes { unsafe update(bufferPointer: .init(rebasing: $0[range])) }
  }
}
