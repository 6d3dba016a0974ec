internal import MPIShim

extension Communicator {
  /// The ranks that give the same number, in the order of their ranks here, as a world of their own.
  ///
  /// It shares this one's watchdog. Communication: all ranks must call this at the same point (MPI 3.1, 6.4.2).
  package func group(_ number: Int) throws(MPIError) -> Communicator {
    guard let handle = unsafe handle else {
      let alone = Communicator()
      alone.share(watchdog)
      return alone
    }
    var group = unsafe mpi_shim_no_communicator()
    try call("MPI_Comm_split") {
      unsafe MPI_Comm_split(handle, Int32(number), Int32(rank), &group)
    }
    guard let group = unsafe group else { preconditionFailure("a split gave no group") }
    let communicator = try unsafe Communicator(group)
    communicator.share(watchdog)
    return communicator
  }
}
