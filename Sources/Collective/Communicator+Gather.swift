internal import MPIShim

extension Communicator {
  /// The bytes of every rank in rank order at the root, nil elsewhere (MPI 3.1, 5.5).
  ///
  /// Communication: all lengths to all ranks (eight bytes each, so that all can refuse a total that
  /// MPI cannot express), then one MPI_Gatherv. For records and logs, 2 GiB in total at most.
  package func gather(_ bytes: [UInt8]) throws(MPIError) -> [[UInt8]]? {
    guard let handle = unsafe handle else { return [bytes] }
    let layout = try gatheredLayout(bytes.count, "MPI_Gatherv")
    var gathered = [UInt8](repeating: 0, count: isRoot ? layout.total : 0)
    if layout.total > 0 {
      try call("MPI_Gatherv") {
        unsafe MPI_Gatherv(
          bytes, layout.counts[rank], mpi_shim_byte(), &gathered, layout.counts,
          layout.displacements, mpi_shim_byte(), 0, handle)
      }
    }
    return isRoot ? layout.split(gathered) : nil
  }

  /// The bytes of every rank in rank order, on every rank (MPI 3.1, 5.7).
  ///
  /// Communication: all lengths (eight bytes each), then one MPI_Allgatherv.
  package func allGather(_ bytes: [UInt8]) throws(MPIError) -> [[UInt8]] {
    guard let handle = unsafe handle else { return [bytes] }
    let layout = try gatheredLayout(bytes.count, "MPI_Allgatherv")
    var gathered = [UInt8](repeating: 0, count: layout.total)
    if layout.total > 0 {
      try call("MPI_Allgatherv") {
        unsafe MPI_Allgatherv(
          bytes, layout.counts[rank], mpi_shim_byte(), &gathered, layout.counts,
          layout.displacements, mpi_shim_byte(), handle)
      }
    }
    return layout.split(gathered)
  }

  /// Where the bytes of each rank lie in the gathered bytes; the same on all ranks.
  private func gatheredLayout(
    _ count: Int, _ function: String
  ) throws(MPIError) -> GatheredLayout {
    var lengths = [Int64](repeating: 0, count: worldSize)
    lengths[rank] = Int64(count)
    try allReduce(&lengths, operation: .sum)
    return try GatheredLayout(lengths: lengths.map { Int($0) }, function)
  }
}

/// Lengths and positions of one message of each rank, one after the other.
private struct GatheredLayout {
  let counts: [Int32]
  let displacements: [Int32]
  let total: Int

  init(lengths: [Int], _ function: String) throws(MPIError) {
    total = lengths.reduce(0, +)
    _ = try checkedCount(total, function)
    counts = lengths.map { Int32($0) }
    var position: Int32 = 0
    displacements = counts.map { count in
      defer { position += count }
      return position
    }
  }

  /// The messages in rank order.
  func split(_ bytes: [UInt8]) -> [[UInt8]] {
    zip(displacements, counts).map { Array(bytes[Int($0)..<Int($0 + $1)]) }
  }
}
