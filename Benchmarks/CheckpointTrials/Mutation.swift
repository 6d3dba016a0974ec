internal import Glibc

/// One kind of damage and how often it is done to a file.
enum Mutation: String, CaseIterable {
  case bitOfMagic, bitOfVersion, bitOfSealSize, bitOfLength, bitOfDigest, bitOfReserved
  case bitOfSuperblock, bitOfMetadata, bitOfValues, bitOfChecksums
  case severalBits, oneByte, burst
  case cutAnywhere, cutInFirstKilobyte, cutAtPage, cutAtChunk
  case zeroedPage, zeroedFew, swappedBlocks, foreignBlock, appended, repeated, removed
  case empty, foreignMagic, newerVersion, foreignImage, foreignSeal

  /// The trials of this kind, where `random` are made of those that have no end.
  func count(random: Int) -> Int {
    switch self {
    // Every single bit.
    case .bitOfMagic: 64
    case .bitOfVersion, .bitOfSealSize: 32
    case .bitOfLength: 64
    case .bitOfDigest: 256
    case .bitOfReserved: 456 * 8
    case .bitOfSuperblock: 96 * 8
    case .empty, .foreignImage, .foreignSeal: 1
    case .foreignMagic, .newerVersion: 100
    case .bitOfMetadata, .bitOfValues: 2 * random
    default: random
    }
  }

  var text: String {
    switch self {
    case .bitOfMagic: "a bit of the magic"
    case .bitOfVersion: "a bit of the version"
    case .bitOfSealSize: "a bit of the seal's size"
    case .bitOfLength: "a bit of the length"
    case .bitOfDigest: "a bit of the digest"
    case .bitOfReserved: "a bit of the seal's zeros"
    case .bitOfSuperblock: "a bit of HDF5's superblock"
    case .bitOfMetadata: "a bit of HDF5's metadata"
    case .bitOfValues: "a bit of the values"
    case .bitOfChecksums: "a bit of HDF5's checksums"
    case .severalBits: "2 to 16 bits"
    case .oneByte: "another byte"
    case .burst: "random bytes, 2 to 4096"
    case .cutAnywhere: "cut off anywhere"
    case .cutInFirstKilobyte: "cut off within 1 KiB"
    case .cutAtPage: "cut off at a page"
    case .cutAtChunk: "cut off at a chunk's end"
    case .zeroedPage: "a page of zeros"
    case .zeroedFew: "1 to 64 zeros"
    case .swappedBlocks: "two blocks swapped"
    case .foreignBlock: "a block of another step"
    case .appended: "bytes appended"
    case .repeated: "a range twice"
    case .removed: "a range removed"
    case .empty: "no bytes"
    case .foreignMagic: "another magic"
    case .newerVersion: "a newer version"
    case .foreignImage: "another step's HDF5"
    case .foreignSeal: "another step's seal"
    }
  }

  /// Whether it damages only what a file without a seal does not have.
  var isOfSeal: Bool {
    switch self {
    case .bitOfMagic, .bitOfVersion, .bitOfSealSize, .bitOfLength, .bitOfDigest, .bitOfReserved,
      .newerVersion, .foreignSeal, .foreignImage:
      true
    default: false
    }
  }
}

extension Mutation {
  /// The damaged bytes, or nil where the file has no such place.
  func apply(
    to subject: Sample.Subject, number: Int, _ generator: inout SeededGenerator
  ) -> [UInt8]? {
    if isOfSeal && subject.places.seal == 0 { return nil }
    var bytes = subject.bytes
    switch self {
    case .bitOfMagic: flip(&bytes, number)
    case .bitOfVersion: flip(&bytes, 64 + number)
    case .bitOfSealSize: flip(&bytes, 96 + number)
    case .bitOfLength: flip(&bytes, 128 + number)
    case .bitOfDigest: flip(&bytes, 192 + number)
    case .bitOfReserved: flip(&bytes, 448 + number)
    case .bitOfSuperblock: flip(&bytes, subject.places.seal * 8 + number)
    case .bitOfMetadata: return flip(in: subject.places.metadata, of: bytes, &generator)
    case .bitOfValues: return flip(in: subject.places.values, of: bytes, &generator)
    case .bitOfChecksums: return flip(in: subject.places.checksums, of: bytes, &generator)
    case .severalBits:
      for _ in 0..<Int.random(in: 2...16, using: &generator) {
        flip(&bytes, place(bytes.count * 8, &generator))
      }
    case .oneByte:
      bytes[place(bytes.count, &generator)] &+= UInt8.random(in: 1...255, using: &generator)
    case .burst:
      for index in range(2...4096, bytes.count, &generator) {
        bytes[index] = UInt8.random(in: 0...255, using: &generator)
      }
    case .cutAnywhere, .cutInFirstKilobyte, .cutAtPage, .cutAtChunk, .empty:
      bytes.removeSubrange(end(subject, &generator)...)
    default: replace(&bytes, subject, &generator)
    }
    return bytes
  }

  private func end(_ subject: Sample.Subject, _ generator: inout SeededGenerator) -> Int {
    let count = subject.bytes.count
    switch self {
    case .cutAnywhere: return place(count, &generator)
    case .cutInFirstKilobyte: return place(min(count, 1024), &generator)
    case .cutAtPage: return place((count + 4095) / 4096, &generator) * 4096
    case .cutAtChunk:
      let ends = (subject.places.values + subject.places.checksums).map(\.upperBound)
      return min(count - 1, ends[place(ends.count, &generator)])
    default: return 0
    }
  }

  /// Damage of ranges.
  private func replace(
    _ bytes: inout [UInt8], _ subject: Sample.Subject, _ generator: inout SeededGenerator
  ) {
    let count = bytes.count
    switch self {
    case .zeroedPage:
      let start = place((count + 4095) / 4096, &generator) * 4096
      let page = start..<min(start + 4096, count)
      bytes.replaceSubrange(page, with: repeatElement(0, count: page.count))
    case .zeroedFew:
      let range = range(1...64, count, &generator)
      bytes.replaceSubrange(range, with: repeatElement(0, count: range.count))
    case .swappedBlocks:
      let size = Bool.random(using: &generator) ? 512 : 4096
      let places = (0..<2).map { _ in place(count / size, &generator) * size }
      bytes.replaceSubrange(
        places[0]..<places[0] + size, with: subject.bytes[places[1]..<places[1] + size])
      bytes.replaceSubrange(
        places[1]..<places[1] + size, with: subject.bytes[places[0]..<places[0] + size])
    case .foreignBlock:
      let size = Bool.random(using: &generator) ? 512 : 4096
      let start = place(min(count, subject.other.count) / size, &generator) * size
      bytes.replaceSubrange(start..<start + size, with: subject.other[start..<start + size])
    case .appended:
      let value: UInt8? = Bool.random(using: &generator) ? 0 : nil
      for _ in 0..<Int.random(in: 1...8192, using: &generator) {
        bytes.append(value ?? UInt8.random(in: 0...255, using: &generator))
      }
    case .repeated:
      let range = range(1...4096, count, &generator)
      bytes.insert(contentsOf: subject.bytes[range], at: range.upperBound)
    case .removed: bytes.removeSubrange(range(1...4096, count, &generator))
    default: replaceHead(&bytes, subject, &generator)
    }
  }

  private func replaceHead(
    _ bytes: inout [UInt8], _ subject: Sample.Subject, _ generator: inout SeededGenerator
  ) {
    let seal = subject.places.seal
    switch self {
    case .foreignMagic:
      for index in 0..<8 { bytes[index] = UInt8.random(in: 0...255, using: &generator) }
    case .newerVersion: bytes[8] = UInt8.random(in: 2...255, using: &generator)
    case .foreignImage: bytes.replaceSubrange(seal..., with: subject.other[seal...])
    default: bytes.replaceSubrange(..<seal, with: subject.other[..<seal])
    }
  }

  // MARK: Places

  /// The same part of the way through every file of a trial, because it takes the same random number.
  private func place(_ count: Int, _ generator: inout SeededGenerator) -> Int {
    min(count - 1, Int(Double.random(in: 0..<1, using: &generator) * Double(count)))
  }

  private func range(
    _ sizes: ClosedRange<Int>, _ count: Int, _ generator: inout SeededGenerator
  ) -> Range<Int> {
    // Short ranges as often as long ones.
    let logarithms = log2(Double(sizes.lowerBound))...log2(Double(sizes.upperBound))
    let size = Int(exp2(Double.random(in: logarithms, using: &generator)))
    let start = place(count - size, &generator)
    return start..<start + size
  }

  private func flip(_ bytes: inout [UInt8], _ bit: Int) { bytes[bit / 8] ^= 1 << UInt8(bit % 8) }

  private func flip(
    in ranges: [Range<Int>], of bytes: [UInt8], _ generator: inout SeededGenerator
  ) -> [UInt8]? {
    let total = ranges.reduce(0) { $0 + $1.count }
    if total == 0 { return nil }
    var bytes = bytes
    var bit = place(total * 8, &generator)
    for range in ranges {
      if bit < range.count * 8 {
        flip(&bytes, range.lowerBound * 8 + bit)
        return bytes
      }
      bit -= range.count * 8
    }
    return nil
  }
}
