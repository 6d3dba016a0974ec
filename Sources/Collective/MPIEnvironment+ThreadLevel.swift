internal import MPIShim

extension MPIEnvironment {
  /// How threads may use MPI, as the library promised (MPI 3.1, 12.4.3); "not in use" in a world that no launcher started.
  package static var threadLevel: String {
    guard isActive else { return "not in use" }
    var level: Int32 = 0
    guard unsafe MPI_Query_thread(&level) == MPI_SUCCESS else { return "unknown" }
    let names = ["MPI_THREAD_SINGLE", "MPI_THREAD_FUNNELED", "MPI_THREAD_SERIALIZED"]
    return names.indices.contains(Int(level)) ? names[Int(level)] : "MPI_THREAD_MULTIPLE"
  }
}
