import CHDF5

/// The element types that files of ours contain; always little-endian in the file.
package enum HDF5ScalarKind: String, Sendable {
  case float32, int64, uint64
}

/// A Swift type that HDF5 reads and writes.
package protocol HDF5Scalar: BitwiseCopyable {
  static var kind: HDF5ScalarKind { get }
  static var zero: Self { get }
}

extension Float: HDF5Scalar {
  package static var kind: HDF5ScalarKind { .float32 }
}

extension Int64: HDF5Scalar {
  package static var kind: HDF5ScalarKind { .int64 }
}

extension UInt64: HDF5Scalar {
  package static var kind: HDF5ScalarKind { .uint64 }
}

extension HDF5ScalarKind {
  var memoryType: hid_t {
    switch self {
    case .float32: hdf5_shim_native_float()
    case .int64: hdf5_shim_native_int64()
    case .uint64: hdf5_shim_native_uint64()
    }
  }

  var storedType: hid_t {
    switch self {
    case .float32: hdf5_shim_stored_float()
    case .int64: hdf5_shim_stored_int64()
    case .uint64: hdf5_shim_stored_uint64()
    }
  }
}
