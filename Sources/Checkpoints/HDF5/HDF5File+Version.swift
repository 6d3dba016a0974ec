import CHDF5

extension HDF5File {
  /// The version of the HDF5 library, "1.10.8".
  package static var libraryVersion: String {
    var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
    guard unsafe H5get_libversion(&major, &minor, &release) >= 0 else { return "unknown" }
    return "\(major).\(minor).\(release)"
  }
}
