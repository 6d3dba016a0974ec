internal import MPIShim

extension Communicator {
  /// Gives every rank the root's bytes (MPI 3.1, 5.4); what other ranks pass is ignored.
  ///
  /// Communication: the length, then the bytes in pieces.
  package func broadcast(_ bytes: [UInt8]) throws(MPIError) -> [UInt8] {
    guard worldSize > 1 else { return bytes }
    let count = Int(try allReduce(isRoot ? Int64(bytes.count) : 0, .maximum))
    var result = isRoot ? bytes : [UInt8](repeating: 0, count: count)
    let pieces = pieces(count)
    let code = unsafe result.withUnsafeMutableBufferPointer { buffer -> Int32 in
      for piece in pieces {
        guard let base = buffer.baseAddress else { break }
        let code = unsafe MPI_Bcast(
          base + piece.lowerBound, checkedCount(piece.count), mpi_shim_byte(), 0, mpi_shim_world())
        if code != MPI_SUCCESS { return code }
      }
      return MPI_SUCCESS
    }
    try check(code, "MPI_Bcast")
    return result
  }

  /// Gives every rank the bytes of all ranks, in the order of ranks.
  ///
  /// Communication: one broadcast-sized sum over all bytes; each rank fills its own part of a common vector.
  package func allGather(_ bytes: [UInt8]) throws(MPIError) -> [[UInt8]] {
    guard worldSize > 1 else { return [bytes] }
    var counts = [Int64](repeating: 0, count: worldSize)
    counts[rank] = Int64(bytes.count)
    try allReduce(&counts, .sum)
    let starts = counts.reduce(into: [0]) { $0.append($0[$0.count - 1] + Int($1)) }
    var words = [Int32](repeating: 0, count: starts[worldSize])
    for (index, byte) in bytes.enumerated() { words[starts[rank] + index] = Int32(byte) }
    try allReduce(&words, .sum)
    return (0..<worldSize).map { rank in
      words[starts[rank]..<starts[rank + 1]].map { UInt8(truncatingIfNeeded: $0) }
    }
  }
}
