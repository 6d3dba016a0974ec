internal import MPIShim

/// How an all-reduce combines the elements of all ranks (MPI 3.1, 5.9.2).
package enum ReductionOperation: CaseIterable, Sendable {
  case sum
  /// Undefined where an element is NaN.
  case minimum
  /// Undefined where an element is NaN.
  case maximum

  /// The handle that MPI knows the operation by.
  var handle: MPI_Op {
    switch self {
    case .sum: unsafe mpi_shim_sum()
    case .minimum: unsafe mpi_shim_minimum()
    case .maximum: unsafe mpi_shim_maximum()
    }
  }
}
