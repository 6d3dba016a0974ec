internal import Glibc
internal import MPIShim

/// The owner of the message-passing library, from its start to its end; one per process.
///
/// A process that no launcher started is a world of one and makes no call of the library at all.
package struct MPIEnvironment: ~Copyable {
  /// True where a launcher started this process and the library is in use.
  package let isLaunched: Bool
  private static let launcherVariables = ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"]

  /// Starts the library for calls from this thread alone (MPI 3.1, 12.4.3).
  package init() throws(MPIError) {
    isLaunched = Self.launcherVariables.contains { unsafe getenv($0) != nil }
    guard isLaunched else {
      if let count = Self.stepSize, count > 1 { throw .singletons(count: count) }
      return
    }
    var provided: Int32 = 0
    try check(unsafe MPI_Init_thread(nil, nil, Int32(MPI_THREAD_FUNNELED), &provided), "MPI_Init_thread")
    guard provided >= Int32(MPI_THREAD_FUNNELED) else {
      throw .threadSupport(provided: Int(provided))
    }
    try check(
      unsafe MPI_Comm_set_errhandler(mpi_shim_world(), mpi_shim_errors_return()),
      "MPI_Comm_set_errhandler")
  }

  /// Processes of the batch system's step, where it tells.
  private static var stepSize: Int? {
    guard let text = unsafe getenv("SLURM_STEP_NUM_TASKS") else { return nil }
    return unsafe Int(String(cString: text))
  }

  deinit { if isLaunched { MPI_Finalize() } }

  /// All processes of the job.
  package func world() throws(MPIError) -> Communicator { try Communicator(isLaunched: isLaunched) }

  /// Name and version of the library.
  package static var libraryVersion: String {
    var buffer = [CChar](repeating: 0, count: Int(MPI_MAX_LIBRARY_VERSION_STRING))
    var length: Int32 = 0
    guard unsafe MPI_Get_library_version(&buffer, &length) == MPI_SUCCESS else { return "unknown" }
    return String(
      decoding: buffer.prefix(Int(length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
