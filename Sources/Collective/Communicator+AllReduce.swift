internal import MPIShim

extension Communicator {
  /// Replaces each element by its combination over all ranks (MPI 3.1, 5.9.6).
  ///
  /// Communication: one MPI_Allreduce in place for every `pieceLimit` elements. All ranks end with the
  /// same bits, but a sum of floats has other bits for other numbers of ranks; see `ExactSum`.
  package func allReduce<Scalar: MPIScalar>(
    _ values: inout MutableSpan<Scalar>, operation: ReductionOperation
  ) throws(MPIError) {
    guard let handle = unsafe handle else { return }
    let limit = pieceLimit
    try unsafe values.withUnsafeMutableBufferPointer { buffer throws(MPIError) in
      for start in stride(from: 0, to: buffer.count, by: limit) {
        let elements = try checkedCount(min(limit, buffer.count - start), "MPI_Allreduce")
        try call("MPI_Allreduce") {
          unsafe MPI_Allreduce(
            mpi_shim_in_place(), buffer.baseAddress?.advanced(by: start), elements,
            Scalar.scalarType.handle, operation.handle, handle)
        }
      }
    }
  }

  /// Replaces each element of an array by its combination over all ranks.
  package func allReduce<Scalar: MPIScalar>(
    _ values: inout [Scalar], operation: ReductionOperation
  ) throws(MPIError) {
    var span = values.mutableSpan
    try allReduce(&span, operation: operation)
  }

  /// The sum of one value of each rank.
  package func sum<Scalar: MPIScalar>(_ value: Scalar) throws(MPIError) -> Scalar {
    try combine(value, operation: .sum)
  }

  /// The smallest of one value of each rank.
  package func minimum<Scalar: MPIScalar>(_ value: Scalar) throws(MPIError) -> Scalar {
    try combine(value, operation: .minimum)
  }

  /// The largest of one value of each rank.
  package func maximum<Scalar: MPIScalar>(_ value: Scalar) throws(MPIError) -> Scalar {
    try combine(value, operation: .maximum)
  }

  /// An all-reduce of one element.
  private func combine<Scalar: MPIScalar>(
    _ value: Scalar, operation: ReductionOperation
  ) throws(MPIError) -> Scalar {
    var values = [value]
    try allReduce(&values, operation: operation)
    return values[0]
  }
}
