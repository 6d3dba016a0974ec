internal import Glibc
internal import MPIShim

/// The one owner of MPI in this process, from initialization to finalization.
///
/// Communication: `init` and `finalize` wait for all ranks. A process that no launcher started is a
/// world of one and makes no MPI call at all, so it starts at once. All later calls come from the thread
/// that made the environment, or from that of a `BackgroundSum` while this one makes none
/// (MPI_THREAD_SERIALIZED; MPI 3.1, 12.4.3).
///
/// There is no `deinit`: an error on its way out must not wait in MPI_Finalize for ranks that still
/// compute. A process that ends without `finalize` takes the job down, which is what an error wants.
package struct MPIEnvironment: ~Copyable {
  /// True if a launcher started this process, so that MPI is in use.
  package let isLaunched: Bool

  /// Initializes MPI if a launcher started this process.
  package init() throws(MPIError) {
    let launch = LaunchEnvironment.current
    isLaunched = launch.isLaunched
    try isLaunched ? Self.initialize(launch) : launch.check(worldSize: 1)
  }

  /// Initializes MPI so that every later error is a return code for `check` (MPI 3.1, 8.3).
  ///
  /// Ranks of one host talk through shared memory alone (`pml = ob1`, unless something else is asked for):
  /// Open MPI's search for network adapters, which it would not use there, takes 0.2 s.
  private static func initialize(_ launch: LaunchEnvironment) throws(MPIError) {
    if launch.isOnOneHost { unsafe setenv("OMPI_MCA_pml", "ob1", 0) }
    var provided: Int32 = 0
    try check(
      unsafe MPI_Init_thread(nil, nil, mpi_shim_thread_serialized(), &provided), "MPI_Init_thread")
    guard provided >= mpi_shim_thread_serialized() else { throw .threadLevel(provided: provided) }
    try check(
      unsafe MPI_Comm_set_errhandler(mpi_shim_world(), mpi_shim_errors_return()),
      "MPI_Comm_set_errhandler")
    var size: Int32 = 0
    try check(unsafe MPI_Comm_size(mpi_shim_world(), &size), "MPI_Comm_size")
    try launch.check(worldSize: Int(size))
  }

  /// The communicator of all ranks; every rank must ask for it at the same point.
  package func world() throws(MPIError) -> Communicator {
    unsafe isLaunched ? try Communicator(mpi_shim_world()) : Communicator()
  }

  /// Ends MPI in good order; no communicator may be used afterwards (MPI 3.1, 8.7).
  package consuming func finalize() throws(MPIError) {
    guard isLaunched else { return }
    try check(MPI_Finalize(), "MPI_Finalize")
  }

  /// True while MPI is initialized in this process and not yet finalized.
  package static var isActive: Bool {
    var initialized: Int32 = 0
    var finalized: Int32 = 0
    _ = unsafe MPI_Initialized(&initialized)
    _ = unsafe MPI_Finalized(&finalized)
    return initialized != 0 && finalized == 0
  }

  /// Name and version of the MPI library; needs no initialization (MPI 3.1, 8.1.1).
  package static var libraryVersion: String {
    var text = [CChar](repeating: 0, count: Int(MPI_MAX_LIBRARY_VERSION_STRING))
    var length: Int32 = 0
    guard unsafe MPI_Get_library_version(&text, &length) == MPI_SUCCESS else { return "unknown" }
    return String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Ends all ranks of the job with an exit code from 1 to 255; a world of one just exits.
  ///
  /// Open MPI's own explanation is often lost on the way, so say why on standard error before.
  package static func abort(code: Int32) -> Never {
    precondition((1...255).contains(code), "an exit code is from 1 to 255, not \(code)")
    fflush(nil)
    if isActive { _ = unsafe MPI_Abort(mpi_shim_world(), code) }
    exit(code)
  }
}
