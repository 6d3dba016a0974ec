internal import MPIShim

/// A number that ranks can reduce; the conformances below are all there are.
package protocol MPIScalar: BitwiseCopyable, Comparable, Numeric, Sendable {
  static var scalarType: MPIScalarType { get }
}

/// The element types of a reduction, by MPI's predefined datatypes (MPI 3.1, 3.2.2).
package enum MPIScalarType: Sendable {
  case float, double, int32, int64, uint64

  /// The handle that MPI knows the type by.
  var handle: MPI_Datatype {
    switch self {
    case .float: unsafe mpi_shim_float()
    case .double: unsafe mpi_shim_double()
    case .int32: unsafe mpi_shim_int32()
    case .int64: unsafe mpi_shim_int64()
    case .uint64: unsafe mpi_shim_uint64()
    }
  }
}

extension Float: MPIScalar {
  package static var scalarType: MPIScalarType { .float }
}

extension Double: MPIScalar {
  package static var scalarType: MPIScalarType { .double }
}

extension Int32: MPIScalar {
  package static var scalarType: MPIScalarType { .int32 }
}

extension Int64: MPIScalar {
  package static var scalarType: MPIScalarType { .int64 }
}

extension UInt64: MPIScalar {
  package static var scalarType: MPIScalarType { .uint64 }
}
