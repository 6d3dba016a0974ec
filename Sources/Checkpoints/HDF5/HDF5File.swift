import CHDF5
import Synchronization

/// HDF5 files that exist in memory only, one at a time.
package enum HDF5File {
  /// Serializes all use of the library, which may have been built without thread safety; the value numbers the files,
  /// because the library takes two files in memory for the same one if they share a name.
  private static let library = Mutex(0)

  /// The bytes of a new file whose content `body` writes, after `userBlockBytes` zeros for the caller to fill.
  ///
  /// The same content gives the same bytes: nothing in the file depends on the time.
  package static func build(
    userBlockBytes: Int, _ body: (borrowing HDF5Group) throws(HDF5Error) -> Void
  ) throws(HDF5Error) -> [UInt8] {
    try library.withLock { (number) throws(HDF5Error) -> [UInt8] in
      let name = try start(&number)
      let file = try create(name, userBlockBytes: userBlockBytes)
      try body(HDF5Group(root: file, byteLimit: .max))
      return try image(of: file, after: userBlockBytes)
    }
  }

  /// What `body` reads from a file given as bytes, the user block included.
  ///
  /// No dataset is accepted that claims to be larger than the bytes given.
  package static func read<Result: Sendable>(
    _ bytes: [UInt8], _ body: (borrowing HDF5Group) throws(HDF5Error) -> Result
  ) throws(HDF5Error) -> Result {
    try library.withLock { (number) throws(HDF5Error) -> Result in
      let name = try start(&number)
      let file = try open(bytes, as: name)
      return try body(HDF5Group(root: file, byteLimit: bytes.count))
    }
  }

  private static func start(_ number: inout Int) throws(HDF5Error) -> String {
    try check(H5open(), "start")
    // Printing is a setting of the thread, so it is switched off at each entry.
    try check(
      H5Eset_auto2(hdf5_shim_default_error_stack(), nil, nil), "stop printing its errors")
    // A file may name filters to load from shared libraries; ours never do.
    try check(H5PLset_loading_state(0), "switch plug-ins off")
    number += 1
    return "checkpoint-in-memory-\(number)"
  }

  private static func coreAccess() throws(HDF5Error) -> HDF5Handle {
    let access = try HDF5Handle.propertyList(hdf5_shim_file_access_class())
    try check(H5Pset_fapl_core(access.identifier, 1 << 20, false), "work in memory")
    return access
  }

  private static func create(
    _ name: String, userBlockBytes: Int
  ) throws(HDF5Error) -> HDF5Handle {
    let access = try coreAccess()
    let creation = try HDF5Handle.propertyList(hdf5_shim_file_creation_class())
    let attempt = "create a file in memory"
    try check(H5Pset_userblock(creation.identifier, hsize_t(userBlockBytes)), attempt)
    try check(H5Pset_obj_track_times(creation.identifier, false), attempt)
    return try HDF5Handle(
      unsafe H5Fcreate(name, hdf5_shim_truncate(), creation.identifier, access.identifier),
      closedBy: H5Fclose, attempt)
  }

  private static func open(_ bytes: [UInt8], as name: String) throws(HDF5Error) -> HDF5Handle {
    let access = try coreAccess()
    let attempt = "open the file's bytes"
    let status = unsafe bytes.withUnsafeBytes { bytes in
      unsafe H5Pset_file_image(
        access.identifier, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }
    try check(status, attempt)
    return try HDF5Handle(
      unsafe H5Fopen(name, hdf5_shim_read_only(), access.identifier), closedBy: H5Fclose, attempt)
  }

  private static func image(
    of file: borrowing HDF5Handle, after prefix: Int
  ) throws(HDF5Error) -> [UInt8] {
    let attempt = "give the bytes of the file in memory"
    let identifier = file.identifier
    try check(H5Fflush(identifier, H5F_SCOPE_LOCAL), attempt)
    let count = try check(H5Fget_file_image(identifier, nil, 0), attempt)
    var copied = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: prefix + count) { buffer, filled in
      unsafe buffer[..<prefix].initialize(repeating: 0)
      copied = unsafe H5Fget_file_image(
        identifier, buffer.baseAddress.map { unsafe $0 + prefix }, count)
      filled = prefix + count
    }
    guard try check(copied, attempt) == count else {
      throw HDF5Error(attempt: attempt, reason: "gave \(copied) of \(count) bytes")
    }
    return bytes
  }
}
