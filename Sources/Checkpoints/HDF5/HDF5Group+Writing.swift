import CHDF5

extension HDF5Group {
  /// Chunks hold at most this many elements: large enough to be fast, small enough to be checked piece by piece.
  private static var chunkElements: Int { 1 << 20 }

  /// Adds a dataset of numbers, in row-major order, with a checksum per chunk.
  package func write<Scalar: HDF5Scalar>(
    _ values: Span<Scalar>, shape: [Int], to name: String
  ) throws(HDF5Error) {
    let attempt = "write the dataset \"\(path(of: name))\""
    guard shape.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue }) == values.count
    else {
      throw HDF5Error(attempt: attempt, reason: "\(values.count) values do not fill \(shape)")
    }
    let dataset = try createDataset(
      name, type: Scalar.kind.storedType, shape: shape, chunkElements: Self.chunkElements, attempt)
    let status = unsafe values.withUnsafeBytes {
      unsafe H5Dwrite(
        dataset.identifier, Scalar.kind.memoryType, hdf5_shim_whole_space(),
        hdf5_shim_whole_space(), hdf5_shim_default_list(), $0.baseAddress)
    }
    try check(status, attempt)
  }

  /// Adds a dataset of one UTF-8 text.
  package func write(_ text: String, to name: String) throws(HDF5Error) {
    try write(texts: [text], to: name)
  }

  /// Adds a dataset of UTF-8 texts of any lengths, each stored with as many bytes as the longest.
  package func write(texts: [String], to name: String) throws(HDF5Error) {
    let attempt = "write the dataset \"\(path(of: name))\""
    guard !texts.contains(where: { $0.utf8.contains(0) }) else {
      throw HDF5Error(attempt: attempt, reason: "a text contains the character U+0000")
    }
    let width = max(1, texts.map(\.utf8.count).max() ?? 0)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(width * texts.count)
    for text in texts {
      bytes.append(contentsOf: text.utf8)
      bytes.append(contentsOf: repeatElement(0, count: width - text.utf8.count))
    }
    let type = try HDF5Handle.textType(byteCount: width)
    let dataset = try createDataset(
      name, type: type.identifier, shape: [texts.count],
      chunkElements: max(1, Self.chunkElements / width), attempt)
    let status = unsafe bytes.withUnsafeBytes {
      unsafe H5Dwrite(
        dataset.identifier, type.identifier, hdf5_shim_whole_space(), hdf5_shim_whole_space(),
        hdf5_shim_default_list(), $0.baseAddress)
    }
    try check(status, attempt)
  }

  private func createDataset(
    _ name: String, type: hid_t, shape: [Int], chunkElements: Int, _ attempt: String
  ) throws(HDF5Error) -> HDF5Handle {
    let space = try HDF5Handle.space(shape)
    let creation = try HDF5Handle.propertyList(hdf5_shim_dataset_creation_class())
    let chunk = Self.chunkShape(for: shape, elements: chunkElements).map { hsize_t($0) }
    try check(unsafe H5Pset_chunk(creation.identifier, Int32(chunk.count), chunk), attempt)
    try check(H5Pset_fletcher32(creation.identifier), attempt)
    try check(H5Pset_obj_track_times(creation.identifier, false), attempt)
    let list = hdf5_shim_default_list()
    return try HDF5Handle(
      unsafe H5Dcreate2(identifier, name, type, space.identifier, list, creation.identifier, list),
      closedBy: H5Dclose, attempt)
  }

  /// As many whole rows as fit in `elements`, or a part of one; pieces of equal size, because the file stores whole
  /// chunks.
  static func chunkShape(for shape: [Int], elements: Int) -> [Int] {
    var remaining = elements
    var chunk = shape
    for dimension in shape.indices.reversed() {
      let pieces = (shape[dimension] - 1) / remaining + 1
      chunk[dimension] = (shape[dimension] - 1) / pieces + 1
      remaining = max(1, remaining / chunk[dimension])
    }
    return chunk
  }
}
