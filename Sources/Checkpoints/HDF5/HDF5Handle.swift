import CHDF5

/// An HDF5 identifier that is closed when its owner goes away.
struct HDF5Handle: ~Copyable {
  let identifier: hid_t
  private let close: @convention(c) (hid_t) -> herr_t

  /// Takes ownership of what an HDF5 function returned, or throws if it returned no identifier.
  init(
    _ identifier: hid_t, closedBy close: @convention(c) (hid_t) -> herr_t,
    _ attempt: @autoclosure () -> String
  ) throws(HDF5Error) {
    self.identifier = try check(identifier, attempt())
    self.close = close
  }

  deinit { _ = close(identifier) }
}

extension HDF5Handle {
  static func propertyList(_ listClass: hid_t) throws(HDF5Error) -> HDF5Handle {
    try HDF5Handle(H5Pcreate(listClass), closedBy: H5Pclose, "create a property list")
  }

  static func space(_ shape: [Int]) throws(HDF5Error) -> HDF5Handle {
    guard let rank = Int32(exactly: shape.count), !shape.contains(where: { $0 < 1 }) else {
      throw HDF5Error(attempt: "describe the shape \(shape)", reason: "a size is less than 1")
    }
    let sizes = shape.map { hsize_t($0) }
    return try HDF5Handle(
      unsafe H5Screate_simple(rank, sizes, nil), closedBy: H5Sclose, "describe the shape \(shape)")
  }

  /// The type of UTF-8 text of a fixed number of bytes, filled up with zeros.
  static func textType(byteCount: Int) throws(HDF5Error) -> HDF5Handle {
    let attempt = "describe a text of \(byteCount) bytes"
    let type = try HDF5Handle(H5Tcopy(hdf5_shim_c_string()), closedBy: H5Tclose, attempt)
    try check(H5Tset_size(type.identifier, byteCount), attempt)
    try check(H5Tset_cset(type.identifier, H5T_CSET_UTF8), attempt)
    try check(H5Tset_strpad(type.identifier, H5T_STR_NULLPAD), attempt)
    return type
  }
}
