internal import Glibc

/// What the environment variables of MPI launchers say about this process.
package struct LaunchEnvironment: Equatable, Sendable {
  /// A number of processes and the variable that asks for it.
  package struct Request: Equatable, Sendable {
    package let variable: String
    package let processes: Int
  }

  /// True if a launcher that Open MPI understands started this process.
  package let isLaunched: Bool
  /// The largest number of processes that a launcher says it was asked for.
  package let request: Request?
  /// True if Open MPI says that all ranks of the job are on this host.
  package let isOnOneHost: Bool

  /// Reads the variables through `lookUp`.
  ///
  /// Open MPI's own variable has the last word: `mpirun -n 1` inside a larger Slurm allocation is a
  /// world of one on purpose.
  package init(lookUp: (String) -> String?) {
    isLaunched = ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMIX_NAMESPACE"].contains {
      lookUp($0) != nil
    }
    let ranks = lookUp("OMPI_COMM_WORLD_SIZE")
    isOnOneHost = ranks != nil && ranks == lookUp("OMPI_COMM_WORLD_LOCAL_SIZE")
    func request(_ variable: String) -> Request? {
      lookUp(variable).flatMap { Int($0) }.map { Request(variable: variable, processes: $0) }
    }
    let slurm = request("SLURM_STEP_NUM_TASKS") ?? request("SLURM_NTASKS")
    self.request =
      request("OMPI_COMM_WORLD_SIZE")
      ?? [slurm, request("PMI_SIZE")].compactMap { $0 }.max { $0.processes < $1.processes }
  }

  /// The environment of this process.
  package static var current: LaunchEnvironment {
    LaunchEnvironment { name in unsafe getenv(name).map { unsafe String(cString: $0) } }
  }

  /// Throws if several processes were asked for and this one is alone.
  package func check(worldSize: Int) throws(MPIError) {
    guard worldSize == 1, let request, request.processes > 1 else { return }
    throw .separateWorlds(variable: request.variable, processes: request.processes)
  }
}
