import CHDF5

/// A group of an open file, with everything that is written into it or read from it.
package struct HDF5Group: ~Copyable {
  let handle: HDF5Handle
  /// The path for messages, without the leading slash; empty for the root.
  let path: String
  /// No dataset may claim more bytes than this when read.
  let byteLimit: Int

  private init(_ handle: consuming HDF5Handle, path: String, byteLimit: Int) {
    self.handle = handle
    self.path = path
    self.byteLimit = byteLimit
  }

  init(root file: borrowing HDF5Handle, byteLimit: Int) throws(HDF5Error) {
    let root = try HDF5Handle(
      unsafe H5Gopen2(file.identifier, "/", hdf5_shim_default_list()), closedBy: H5Gclose,
      "open the root group")
    self.init(root, path: "", byteLimit: byteLimit)
  }

  var identifier: hid_t { handle.identifier }

  func path(of name: String) -> String { path.isEmpty ? name : "\(path)/\(name)" }

  /// A new group in this one.
  package func createGroup(_ name: String) throws(HDF5Error) -> HDF5Group {
    let attempt = "create the group \"\(path(of: name))\""
    let creation = try HDF5Handle.propertyList(hdf5_shim_group_creation_class())
    try check(H5Pset_obj_track_times(creation.identifier, false), attempt)
    let list = hdf5_shim_default_list()
    let group = try HDF5Handle(
      unsafe H5Gcreate2(identifier, name, list, creation.identifier, list), closedBy: H5Gclose,
      attempt)
    return HDF5Group(group, path: path(of: name), byteLimit: byteLimit)
  }

  /// The group of this name in this one.
  package func group(_ name: String) throws(HDF5Error) -> HDF5Group {
    let attempt = "open the group \"\(path(of: name))\""
    try requireHardLink(name, attempt)
    let group = try HDF5Handle(
      unsafe H5Gopen2(identifier, name, hdf5_shim_default_list()), closedBy: H5Gclose, attempt)
    return HDF5Group(group, path: path(of: name), byteLimit: byteLimit)
  }

  /// A link to another place or another file is never followed.
  func requireHardLink(_ name: String, _ attempt: String) throws(HDF5Error) {
    if try check(unsafe hdf5_shim_is_hard_link(identifier, name), attempt) == 0 {
      throw HDF5Error(attempt: attempt, reason: "it is a link to somewhere else")
    }
  }
}

// MARK: Attributes

extension HDF5Group {
  /// Adds a number as an attribute of this group.
  package func writeAttribute<Scalar: HDF5Scalar>(
    _ value: Scalar, named name: String
  ) throws(HDF5Error) {
    let attempt = "write the attribute \"\(name)\""
    let space = try HDF5Handle(H5Screate(H5S_SCALAR), closedBy: H5Sclose, attempt)
    let list = hdf5_shim_default_list()
    let attribute = try HDF5Handle(
      unsafe H5Acreate2(identifier, name, Scalar.kind.storedType, space.identifier, list, list),
      closedBy: H5Aclose, attempt)
    let status = unsafe withUnsafeBytes(of: value) {
      unsafe H5Awrite(attribute.identifier, Scalar.kind.memoryType, $0.baseAddress)
    }
    try check(status, attempt)
  }

  /// The number that is the attribute `name` of this group.
  package func attribute<Scalar: HDF5Scalar>(
    _ name: String, as type: Scalar.Type
  ) throws(HDF5Error) -> Scalar {
    let attempt = "read the attribute \"\(name)\""
    let attribute = try HDF5Handle(
      unsafe H5Aopen(identifier, name, hdf5_shim_default_list()), closedBy: H5Aclose, attempt)
    let space = try HDF5Handle(H5Aget_space(attribute.identifier), closedBy: H5Sclose, attempt)
    let stored = try HDF5Handle(H5Aget_type(attribute.identifier), closedBy: H5Tclose, attempt)
    guard H5Sget_simple_extent_type(space.identifier) == H5S_SCALAR,
      try check(H5Tequal(stored.identifier, type.kind.storedType), attempt) > 0
    else {
      throw HDF5Error(attempt: attempt, reason: "it is not one \(type.kind.rawValue) number")
    }
    var value = type.zero
    let status = unsafe withUnsafeMutableBytes(of: &value) {
      unsafe H5Aread(attribute.identifier, type.kind.memoryType, $0.baseAddress)
    }
    try check(status, attempt)
    return value
  }
}
