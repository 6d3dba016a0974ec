internal import MPIShim

extension Communicator {
  /// The root's bytes, on every rank; the others pass nil (MPI 3.1, 5.4).
  ///
  /// Communication: a reduction of eight bytes for the length, then one MPI_Bcast for every `pieceLimit` bytes.
  package func broadcast(_ bytes: [UInt8]?) throws(MPIError) -> [UInt8] {
    precondition(!isRoot || bytes != nil, "the root of a broadcast has the bytes")
    guard let handle = unsafe handle else { return bytes ?? [] }
    var message = isRoot ? bytes ?? [] : []
    let length = try Int(sum(Int64(message.count)))
    if !isRoot { message = [UInt8](repeating: 0, count: length) }
    let limit = pieceLimit
    var span = message.mutableSpan
    try unsafe span.withUnsafeMutableBufferPointer { buffer throws(MPIError) in
      for start in stride(from: 0, to: buffer.count, by: limit) {
        let piece = try checkedCount(min(limit, buffer.count - start), "MPI_Bcast")
        try call("MPI_Bcast") {
          unsafe MPI_Bcast(
            buffer.baseAddress?.advanced(by: start), piece, mpi_shim_byte(), 0, handle)
        }
      }
    }
    return message
  }
}
