internal import MPIShim

extension Communicator {
  /// Combines each element over all ranks, in place; all ranks get the result (MPI 3.1, 5.9.6).
  ///
  /// Communication: one all-reduce per piece of the vector. All ranks must pass the same number of elements.
  package func allReduce<Scalar: MPIScalar>(
    _ values: inout MutableSpan<Scalar>, _ operation: ReductionOperation
  ) throws(MPIError) {
    guard worldSize > 1 else { return }
    let pieces = pieces(values.count)
    let code = unsafe values.withUnsafeMutableBufferPointer { buffer -> Int32 in
      for piece in pieces {
        guard let base = buffer.baseAddress else { break }
        let code = unsafe MPI_Allreduce(
          mpi_shim_in_place(), base + piece.lowerBound, checkedCount(piece.count),
          Scalar.kind.datatype, operation.handle, mpi_shim_world())
        if code != MPI_SUCCESS { return code }
      }
      return MPI_SUCCESS
    }
    try check(code, "MPI_Allreduce")
  }

  /// Combines each element over all ranks, in place.
  package func allReduce<Scalar: MPIScalar>(
    _ values: inout [Scalar], _ operation: ReductionOperation
  ) throws(MPIError) {
    var span = values.mutableSpan
    try allReduce(&span, operation)
  }

  /// Combines one number over all ranks.
  package func allReduce<Scalar: MPIScalar>(
    _ value: Scalar, _ operation: ReductionOperation
  ) throws(MPIError) -> Scalar {
    var values = [value]
    try allReduce(&values, operation)
    return values[0]
  }

  /// True on every rank where all ranks gave the same bytes.
  ///
  /// Communication: the minimum and maximum of each 8-byte word, and of the length.
  package func agree(on bytes: [UInt8]) throws(MPIError) -> Bool {
    guard worldSize > 1 else { return true }
    let count = Int64(bytes.count)
    let shortest = try allReduce(count, .minimum)
    guard try allReduce(count, .maximum) == shortest else { return false }
    var least: [UInt64] = stride(from: 0, to: bytes.count, by: 8).map { start in
      bytes[start..<min(start + 8, bytes.count)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    var greatest = least
    try allReduce(&least, .minimum)
    try allReduce(&greatest, .maximum)
    return least == greatest
  }
}
