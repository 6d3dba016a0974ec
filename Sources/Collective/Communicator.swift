internal import Glibc
internal import MPIShim

/// All ranks of the job, which communicate through its methods.
///
/// Every method that communicates is collective: all ranks call it at the same point with vectors of
/// the same length. A world of one returns at once on the same path. It is not `Sendable`, so the
/// compiler keeps MPI on one thread. An error leaves what was sent undefined; the rank must end the
/// job. Not wrapped: point-to-point messages, requests, groups, user-defined types and operations.
@safe
package final class Communicator {
  package let rank: Int
  package let worldSize: Int
  package let hostName: String
  /// This rank's index among the ranks on the same host.
  package let localRank: Int
  /// The number of ranks on the same host.
  package let localSize: Int
  /// The lowest rank on the same host, which tells the host from the others.
  let hostNumber: Int
  /// The most elements of one MPI call, the same on all ranks; longer vectors are sent in pieces.
  ///
  /// Small enough that a slow network shows progress, large enough that a piece's latency does not count.
  package var pieceLimit = 128 << 10 {
    didSet { precondition((1...Int(Int32.max)).contains(pieceLimit), "no such piece limit") }
  }
  /// Learns of every call's beginning and end, once `watch` has started it.
  package private(set) var watchdog: Watchdog?
  /// The handle of the group, or nil if there is nobody else to communicate with.
  let handle: MPI_Comm?

  /// Some ranks are on other hosts than this one.
  package var spansHosts: Bool { localSize < worldSize }

  /// Rank 0 writes files and logs.
  package var isRoot: Bool { rank == 0 }

  /// A world of one, without MPI.
  init() {
    (rank, worldSize, localRank, localSize, hostNumber) = (0, 1, 0, 1, 0)
    hostName = Self.currentHostName()
    unsafe handle = nil
  }

  /// The ranks behind an MPI communicator.
  init(_ handle: MPI_Comm) throws(MPIError) {
    (rank, worldSize) = try unsafe Self.position(in: handle)
    (localRank, localSize, hostNumber) = try unsafe Self.localPosition(in: handle, rank: rank)
    hostName = Self.currentHostName()
    unsafe self.handle = worldSize > 1 ? handle : nil
  }

  /// Lets a watchdog know of every call, and connects it with those of the other ranks.
  package func watch(by watchdog: Watchdog) throws(MPIError) {
    precondition(self.watchdog == nil, "a rank has one watchdog")
    self.watchdog = watchdog
    try watchdog.connect(self)
  }

  /// Lets the watchdog of a larger group know of this one's calls too.
  func share(_ watchdog: Watchdog?) { self.watchdog = watchdog }

  /// Makes one MPI call under the eyes of the watchdog and throws unless it returns success.
  func call(_ function: String, _ body: () -> Int32) throws(MPIError) {
    watchdog?.communicates(true)
    defer { watchdog?.communicates(false) }
    try check(body(), function)
  }

  /// Waits for what another thread communicates, under the eyes of the watchdog.
  func waiting(_ body: () throws(MPIError) -> Void) throws(MPIError) {
    watchdog?.communicates(true)
    defer { watchdog?.communicates(false) }
    try body()
  }

  /// Returns when all ranks have come here (MPI 3.1, 5.3).
  package func barrier() throws(MPIError) {
    guard let handle = unsafe handle else { return }
    try call("MPI_Barrier") { unsafe MPI_Barrier(handle) }
  }

  /// Ends all ranks with an exit code from 1 to 255 (MPI 3.1, 8.7).
  package func abort(code: Int32) -> Never { MPIEnvironment.abort(code: code) }

  /// Rank and size of this process in a group (MPI 3.1, 6.4.1).
  private static func position(in handle: MPI_Comm) throws(MPIError) -> (rank: Int, size: Int) {
    var (rank, size): (Int32, Int32) = (0, 0)
    try check(unsafe MPI_Comm_rank(handle, &rank), "MPI_Comm_rank")
    try check(unsafe MPI_Comm_size(handle, &size), "MPI_Comm_size")
    return (Int(rank), Int(size))
  }

  /// Rank and size among the ranks that share this host's memory, and the lowest rank of them (MPI 3.1, 6.4.2).
  private static func localPosition(
    in handle: MPI_Comm, rank: Int
  ) throws(MPIError) -> (rank: Int, size: Int, lowest: Int) {
    var local = unsafe mpi_shim_no_communicator()
    try check(
      unsafe MPI_Comm_split_type(
        handle, mpi_shim_comm_type_shared(), 0, mpi_shim_no_info(), &local),
      "MPI_Comm_split_type")
    guard let group = unsafe local else { preconditionFailure("a split gave no group") }
    let position = try unsafe position(in: group)
    var lowest = Int64(rank)
    try check(
      unsafe MPI_Bcast(&lowest, 1, mpi_shim_int64(), 0, group), "MPI_Bcast")
    try check(unsafe MPI_Comm_free(&local), "MPI_Comm_free")
    return (position.rank, position.size, Int(lowest))
  }

  /// The name that the kernel knows this host by.
  private static func currentHostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    _ = unsafe gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
