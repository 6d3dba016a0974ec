internal import Glibc
internal import MPIShim

/// The processes of the job, and what they say to each other.
///
/// Every method but `abort` must be called by all ranks in the same order. In a world of one each returns at once.
package struct Communicator: ~Copyable {
  /// Index of this process, 0..<worldSize.
  package let rank: Int
  package let worldSize: Int
  /// Index of this process among those of its host, and their number.
  package let localRank: Int, localSize: Int
  package let hostName: String
  /// Elements that one call sends at most; longer vectors go in pieces, so that counts fit 32 bits.
  package var pieceCount = 1 << 26
  private let isLaunched: Bool

  package var isRoot: Bool { rank == 0 }

  init(isLaunched: Bool) throws(MPIError) {
    self.isLaunched = isLaunched
    var name = [CChar](repeating: 0, count: 256)
    _ = unsafe gethostname(&name, name.count - 1)
    hostName = String(
      decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    guard isLaunched else {
      (rank, worldSize, localRank, localSize) = (0, 1, 0, 1)
      return
    }
    var values: (rank: Int32, size: Int32, localRank: Int32, localSize: Int32) = (0, 1, 0, 1)
    let world = unsafe mpi_shim_world()
    try check(unsafe MPI_Comm_rank(world, &values.rank), "MPI_Comm_rank")
    try check(unsafe MPI_Comm_size(world, &values.size), "MPI_Comm_size")
    var host: MPI_Comm? = unsafe world
    try check(
      unsafe MPI_Comm_split_type(world, Int32(MPI_COMM_TYPE_SHARED), 0, mpi_shim_info_null(), &host),
      "MPI_Comm_split_type")
    try check(unsafe MPI_Comm_rank(host, &values.localRank), "MPI_Comm_rank")
    try check(unsafe MPI_Comm_size(host, &values.localSize), "MPI_Comm_size")
    try check(unsafe MPI_Comm_free(&host), "MPI_Comm_free")
    (rank, worldSize) = (Int(values.rank), Int(values.size))
    (localRank, localSize) = (Int(values.localRank), Int(values.localSize))
  }

  /// Returns when every rank has called it (MPI 3.1, 5.3).
  package func barrier() throws(MPIError) {
    guard worldSize > 1 else { return }
    try check(unsafe MPI_Barrier(mpi_shim_world()), "MPI_Barrier")
  }

  /// Ends all ranks of the job at once with `code` (MPI 3.1, 8.7).
  package func abort(code: Int32) -> Never {
    if isLaunched { unsafe MPI_Abort(mpi_shim_world(), code) }
    exit(code)
  }

  /// The pieces of a vector of `count` elements.
  func pieces(_ count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: pieceCount).map { $0..<min($0 + pieceCount, count) }
  }

  /// A count as the library takes it; `pieces` keeps every count below the limit.
  func checkedCount(_ count: Int) -> Int32 {
    guard let checked = Int32(exactly: count) else {
      preconditionFailure("a piece of \(count) elements is too long for one call")
    }
    return checked
  }
}
