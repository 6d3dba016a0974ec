internal import Collective
internal import Testing

struct LaunchEnvironmentTests {
  @Test(
    arguments: [
      ([:], false, nil),
      (["OMPI_COMM_WORLD_SIZE": "4"], true, 4),
      (["PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "3", "SLURM_NTASKS": "9"], true, 3),
      (["PMIX_NAMESPACE": "job"], true, nil),
      (["SLURM_NTASKS": "2"], false, 2),
      (["PMI_SIZE": "8", "SLURM_NTASKS": "2"], false, 8),
      (["PMI_SIZE": "many"], false, nil),
      (["OMPI_COMM_WORLD_SIZE": "1", "SLURM_NTASKS": "16"], true, 1),
    ] as [([String: String], Bool, Int?)])
  func `launchers are known by their variables`(
    variables: [String: String], isLaunched: Bool, processes: Int?
  ) {
    let launch = LaunchEnvironment { variables[$0] }
    #expect(launch.isLaunched == isLaunched)
    #expect(launch.request?.processes == processes)
  }

  @Test(
    arguments: [
      ([:], false), (["OMPI_COMM_WORLD_SIZE": "4"], false),
      (["OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_SIZE": "2"], false),
      (["OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_SIZE": "4"], true),
    ] as [([String: String], Bool)])
  func `a job on one host is known`(variables: [String: String], isOnOneHost: Bool) {
    #expect(LaunchEnvironment { variables[$0] }.isOnOneHost == isOnOneHost)
  }

  @Test func `being alone is an error where several processes were asked for`() throws {
    let launch = LaunchEnvironment { $0 == "PMI_SIZE" ? "2" : nil }
    #expect(throws: MPIError.separateWorlds(variable: "PMI_SIZE", processes: 2)) {
      try launch.check(worldSize: 1)
    }
    try launch.check(worldSize: 2)
    try LaunchEnvironment { _ in nil }.check(worldSize: 1)
  }

  @Test func `the MPI library names itself`() {
    #expect(MPIEnvironment.libraryVersion.contains("MPI"))
    #expect(!MPIEnvironment.isActive)
  }
}
