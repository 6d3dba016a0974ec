internal import MPIShim

/// A number that ranks can exchange.
package protocol MPIScalar: BitwiseCopyable, Comparable, Sendable {
  /// Which of the library's types this is.
  static var kind: MPIScalarKind { get }
}

/// The library's types, without naming the library.
package enum MPIScalarKind: Sendable { case float, double, int32, int64, uint64 }

extension Float: MPIScalar { package static var kind: MPIScalarKind { .float } }
extension Double: MPIScalar { package static var kind: MPIScalarKind { .double } }
extension Int32: MPIScalar { package static var kind: MPIScalarKind { .int32 } }
extension Int64: MPIScalar { package static var kind: MPIScalarKind { .int64 } }
extension UInt64: MPIScalar { package static var kind: MPIScalarKind { .uint64 } }

/// How an all-reduce combines the ranks' numbers (MPI 3.1, 5.9.2).
package enum ReductionOperation: String, Sendable, CaseIterable { case sum, minimum, maximum }

extension MPIScalarKind {
  @unsafe var datatype: MPI_Datatype {
    switch self {
    case .float: unsafe mpi_shim_float()
    case .double: unsafe mpi_shim_double()
    case .int32: unsafe mpi_shim_int32()
    case .int64: unsafe mpi_shim_int64()
    case .uint64: unsafe mpi_shim_uint64()
    }
  }
}

extension ReductionOperation {
  @unsafe var handle: MPI_Op {
    switch self {
    case .sum: unsafe mpi_shim_sum()
    case .minimum: unsafe mpi_shim_minimum()
    case .maximum: unsafe mpi_shim_maximum()
    }
  }
}
