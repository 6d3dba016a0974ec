internal import CHDF5
internal import Checkpoints

/// The three files of one checkpoint that are damaged, and the places in each.
struct Sample {
  let checkpoint: Checkpoint
  /// As the program writes it; then the same HDF5 without the seal; then contiguous and without checksums.
  let files: [Variant: Subject]

  enum Variant: String, CaseIterable { case sealed, checksums, plain }

  /// The bytes of a file, those of another checkpoint's, and what lies where.
  struct Subject {
    let bytes: [UInt8]
    let other: [UInt8]
    let places: Places
  }

  struct Places {
    /// The bytes before HDF5's.
    var seal = 0
    var values: [Range<Int>] = []
    var checksums: [Range<Int>] = []
    /// HDF5's first bytes; what is neither of these is called metadata.
    var superblock: Range<Int> { seal..<seal + 96 }
    var metadata: [Range<Int>] = []
  }

  init(_ path: String, other: String) throws {
    checkpoint = try Checkpoint(contentsOfFile: path)
    let otherCheckpoint = try Checkpoint(contentsOfFile: other)
    let pair = (checkpoint, otherCheckpoint)
    let sealed = try (pair.0.sealedBytes(), pair.1.sealedBytes())
    let bare = try (Self.bare(pair.0), Self.bare(pair.1))
    precondition(
      sealed.0.count == bare.0.count + CheckpointSeal.byteCount, "the seal moves nothing else")
    let chunks = Self.chunks(of: bare.0, checkpoint)
    let plain = PlainFile.bytes(of: PlainFile.content(of: pair.0))
    let otherPlain = PlainFile.bytes(of: PlainFile.content(of: pair.1))
    files = [
      .sealed: Subject(
        bytes: sealed.0, other: sealed.1,
        places: Self.places(sealed.0.count, chunks, seal: CheckpointSeal.byteCount)),
      .checksums: Subject(
        bytes: bare.0, other: bare.1, places: Self.places(bare.0.count, chunks, seal: 0)),
      .plain: Subject(
        bytes: plain.bytes, other: otherPlain.bytes,
        places: Self.places(plain.bytes.count, plain.values.map { ($0, false) }, seal: 0)),
    ]
  }

  static func bare(_ checkpoint: Checkpoint) throws -> [UInt8] {
    try HDF5File.build(userBlockBytes: 0) { (root) throws(HDF5Error) in
      try checkpoint.write(to: root)
    }
  }

  private static func places(
    _ count: Int, _ stored: [(range: Range<Int>, hasChecksum: Bool)], seal: Int
  ) -> Places {
    var places = Places(seal: seal)
    var end = places.superblock.upperBound
    for (range, hasChecksum) in stored.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      let values = range.lowerBound + seal..<range.upperBound + seal - (hasChecksum ? 4 : 0)
      if values.lowerBound > end { places.metadata.append(end..<values.lowerBound) }
      places.values.append(values)
      end = range.upperBound + seal
      if hasChecksum { places.checksums.append(values.upperBound..<end) }
    }
    if end < count { places.metadata.append(end..<count) }
    return places
  }

  /// Where the chunks of every dataset lie, each with the checksum at its end.
  private static func chunks(
    of bytes: [UInt8], _ checkpoint: Checkpoint
  ) -> [(range: Range<Int>, hasChecksum: Bool)] {
    let access = H5Pcreate(hdf5_shim_file_access_class())
    H5Pset_fapl_core(access, 1 << 20, false)
    _ = unsafe bytes.withUnsafeBytes {
      unsafe H5Pset_file_image(
        access, UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count)
    }
    let file = unsafe H5Fopen("places", hdf5_shim_read_only(), access)
    defer {
      H5Fclose(file)
      H5Pclose(access)
    }
    let fixed = [
      "tensors/names", "tensors/shapes", "optimizer/first_moment", "optimizer/second_moment",
      "configuration", "provenance", "history", "state",
    ]
    let adapter = checkpoint.tensors.map { tensor in
      let words = tensor.name.split(separator: ".")
      return "adapter/\(words.dropLast().joined(separator: "."))/\(words.last ?? "")"
    }
    return (fixed + adapter).flatMap { chunks(of: $0, in: file) }
  }

  private static func chunks(
    of name: String, in file: hid_t
  ) -> [(range: Range<Int>, hasChecksum: Bool)] {
    let dataset = unsafe H5Dopen2(file, name, hdf5_shim_default_list())
    let space = H5Dget_space(dataset)
    defer {
      H5Sclose(space)
      H5Dclose(dataset)
    }
    var count: hsize_t = 0
    unsafe H5Dget_num_chunks(dataset, space, &count)
    return (0..<count).map { index in
      var offset = [hsize_t](repeating: 0, count: 3)
      var mask: UInt32 = 0
      var address: haddr_t = 0
      var size: hsize_t = 0
      unsafe H5Dget_chunk_info(dataset, space, index, &offset, &mask, &address, &size)
      return (Int(address)..<Int(address) + Int(size), true)
    }
  }
}
