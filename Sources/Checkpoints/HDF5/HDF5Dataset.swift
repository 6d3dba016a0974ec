import CHDF5

/// A dataset opened for reading whose layout has been found to be one that `HDF5Group` writes.
struct HDF5Dataset: ~Copyable {
  private let handle: HDF5Handle
  private let type: HDF5Handle
  private let attempt: String
  let shape: [Int]
  /// The product of the shape, and the bytes of one element; their product is within the file's size.
  let elementCount: Int
  let elementBytes: Int

  init(_ name: String, in group: borrowing HDF5Group) throws(HDF5Error) {
    let attempt = "read the dataset \"\(group.path(of: name))\""
    try group.requireHardLink(name, attempt)
    let list = hdf5_shim_default_list()
    let handle = try HDF5Handle(
      unsafe H5Dopen2(group.identifier, name, list), closedBy: H5Dclose, attempt)
    let type = try HDF5Handle(H5Dget_type(handle.identifier), closedBy: H5Tclose, attempt)
    let shape = try Self.shape(of: handle, attempt)
    let elementBytes = H5Tget_size(type.identifier)
    let creation = try Self.creation(of: handle, attempt)
    var bytes = elementBytes
    for size in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
      guard !overflow, product > 0, product <= group.byteLimit else {
        throw HDF5Error(
          attempt: attempt,
          reason: "its shape \(shape) of \(elementBytes) bytes each is empty or exceeds the file")
      }
      bytes = product
    }
    try Self.checkChunks(of: handle, creation, shape, elementBytes: elementBytes, attempt)
    self.handle = handle
    self.type = type
    self.attempt = attempt
    self.shape = shape
    self.elementBytes = elementBytes
    self.elementCount = bytes / elementBytes
  }

  private static func shape(
    of dataset: borrowing HDF5Handle, _ attempt: String
  ) throws(HDF5Error) -> [Int] {
    let space = try HDF5Handle(H5Dget_space(dataset.identifier), closedBy: H5Sclose, attempt)
    let rank = H5Sget_simple_extent_ndims(space.identifier)
    guard H5Sget_simple_extent_type(space.identifier) == H5S_SIMPLE, (1...2).contains(rank) else {
      throw HDF5Error(attempt: attempt, reason: "it has neither one nor two dimensions")
    }
    var sizes = [hsize_t](repeating: 0, count: Int(rank))
    try check(unsafe H5Sget_simple_extent_dims(space.identifier, &sizes, nil), attempt)
    return sizes.map { Int(clamping: $0) }
  }

  /// Only chunks with a Fletcher-32 checksum and no other filter: nothing compressed, nothing in other files.
  private static func creation(
    of dataset: borrowing HDF5Handle, _ attempt: String
  ) throws(HDF5Error) -> HDF5Handle {
    let creation = try HDF5Handle(
      H5Dget_create_plist(dataset.identifier), closedBy: H5Pclose, attempt)
    var flags: UInt32 = 0
    var parameterCount = 0
    guard H5Pget_layout(creation.identifier) == H5D_CHUNKED,
      H5Pget_nfilters(creation.identifier) == 1,
      unsafe H5Pget_filter2(
        creation.identifier, 0, &flags, &parameterCount, nil, 0, nil, nil)
        == H5Z_FILTER_FLETCHER32
    else {
      throw HDF5Error(attempt: attempt, reason: "it is not stored in chunks with checksums only")
    }
    return creation
  }

  /// More than the largest checkpoint has in one dataset; looking for a chunk takes as long as there are chunks.
  private static let chunkLimit = 1 << 13
  private static let checksumBytes: hsize_t = 4

  /// Every chunk must be there, within the dataset, and stored with the bytes it has to have.
  ///
  /// The library allocates and copies what the file says, without comparing it with the dataset.
  private static func checkChunks(
    of dataset: borrowing HDF5Handle, _ creation: borrowing HDF5Handle, _ shape: [Int],
    elementBytes: Int, _ attempt: String
  ) throws(HDF5Error) {
    var chunk = [hsize_t](repeating: 0, count: shape.count)
    let rank = unsafe H5Pget_chunk(creation.identifier, Int32(shape.count), &chunk)
    var expected = 1
    guard try check(rank, attempt) == shape.count,
      zip(chunk, shape).allSatisfy({ $0 >= 1 && $0 <= hsize_t($1) })
    else { throw HDF5Error(attempt: attempt, reason: "its chunks are larger than it is") }
    for (size, piece) in zip(shape, chunk) { expected *= (size - 1) / Int(piece) + 1 }
    var count: hsize_t = 0
    let space = try HDF5Handle(H5Dget_space(dataset.identifier), closedBy: H5Sclose, attempt)
    try check(unsafe H5Dget_num_chunks(dataset.identifier, space.identifier, &count), attempt)
    guard count == hsize_t(expected), expected <= chunkLimit else {
      throw HDF5Error(attempt: attempt, reason: "it has \(count) chunks instead of \(expected)")
    }
    let bytes = chunk.reduce(hsize_t(elementBytes), *) + checksumBytes
    for index in 0..<count {
      var mask: UInt32 = 0
      var size: hsize_t = 0
      try check(
        unsafe H5Dget_chunk_info(
          dataset.identifier, space.identifier, index, nil, &mask, nil, &size), attempt)
      guard mask == 0, size == bytes else {
        throw HDF5Error(attempt: attempt, reason: "chunk \(index) is not stored in \(bytes) bytes")
      }
    }
  }

  /// Reads all numbers into `values` from `offset` on, if there are as many as `shape` says.
  func read<Scalar: HDF5Scalar>(
    into values: inout [Scalar], at offset: Int = 0, shape expected: [Int]
  ) throws(HDF5Error) {
    guard try check(H5Tequal(type.identifier, Scalar.kind.storedType), attempt) > 0 else {
      throw HDF5Error(
        attempt: attempt, reason: "its numbers are not \(Scalar.kind.rawValue), little-endian")
    }
    guard shape == expected else {
      throw HDF5Error(attempt: attempt, reason: "its shape is \(shape), not \(expected)")
    }
    precondition(offset >= 0 && offset + elementCount <= values.count)
    let status = unsafe values.withUnsafeMutableBufferPointer {
      unsafe H5Dread(
        handle.identifier, Scalar.kind.memoryType, hdf5_shim_whole_space(),
        hdf5_shim_whole_space(), hdf5_shim_default_list(), $0.baseAddress.map { unsafe $0 + offset }
      )
    }
    try check(status, attempt)
  }

  func texts() throws(HDF5Error) -> [String] {
    guard H5Tget_class(type.identifier) == H5T_STRING,
      try check(H5Tis_variable_str(type.identifier), attempt) == 0, shape.count == 1
    else { throw HDF5Error(attempt: attempt, reason: "it is not a list of texts of fixed length") }
    var bytes = [UInt8](repeating: 0, count: elementCount * elementBytes)
    let status = unsafe bytes.withUnsafeMutableBytes {
      unsafe H5Dread(
        handle.identifier, type.identifier, hdf5_shim_whole_space(), hdf5_shim_whole_space(),
        hdf5_shim_default_list(), $0.baseAddress)
    }
    try check(status, attempt)
    var texts: [String] = []
    texts.reserveCapacity(elementCount)
    for start in stride(from: 0, to: bytes.count, by: elementBytes) {
      let field = bytes[start..<start + elementBytes]
      let end = field.lastIndex { $0 != 0 }.map { $0 + 1 } ?? start
      guard let text = String(validating: field[..<end], as: UTF8.self) else {
        throw HDF5Error(attempt: attempt, reason: "a text is not valid UTF-8")
      }
      texts.append(text)
    }
    return texts
  }
}
