internal import Collective
internal import TestSupport
internal import Testing

/// Checks that need several processes; the probe makes them, `mpirun` starts it.
@Suite(
  .enabled(if: MPILauncher.isAvailable, "mpirun is not installed"), .serialized,
  .timeLimit(.minutes(5)))
struct MultiRankTests {
  /// Runs a check of the probe on some ranks and expects the finding from each of them.
  private func expect(
    _ finding: String, from check: [String], ranks: Int, options: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let result = try await probe(check, ranks: ranks, options: options)
    #expect(result.status == 0, "\(result.errorOutput)", sourceLocation: sourceLocation)
    #expect(
      result.sortedLines == (0..<ranks).map { "rank \($0) of \(ranks): \(finding)" },
      sourceLocation: sourceLocation)
  }

  @Test(
    arguments: [
      "position", "reductions", "pieces", "broadcast", "gather", "agreement",
    ], 1...4)
  func `every rank finds what a loop over all ranks finds`(check: String, ranks: Int) async throws {
    try await expect(check, from: [check], ranks: ranks)
  }

  @Test func `ranks of one host use shared memory unless told otherwise`() async throws {
    try await expect("ob1", from: ["transport"], ranks: 2)
    try await expect("^cm", from: ["transport"], ranks: 2, options: ["--mca", "pml", "^cm"])
  }

  @Test(arguments: 2...4)
  func `a rank that aborts takes all down with its code`(ranks: Int) async throws {
    let result = try await probe(["abort", "1", "7"], ranks: ranks)
    #expect(result.status == 7)
    #expect(result.output.isEmpty)
  }

  @Test(arguments: [1, 3])
  func `a rank that throws takes all down and says why`(ranks: Int) async throws {
    let result = try await probe(["fail", "\(ranks - 1)"], ranks: ranks)
    #expect(result.status == 1)
    #expect(result.errorOutput.contains("failed on purpose"))
    #expect(result.output.isEmpty)
  }

  @Test(arguments: [0, 1, 2])
  func `a frozen rank is named by the others, who end the job`(frozen: Int) async throws {
    let result = try await probe(["frozen", "\(frozen)", "4"], ranks: 3)
    #expect(result.status == Watchdog.exitCode, "\(result.errorOutput)")
    #expect(
      result.errorOutput.contains("missing: rank \(frozen) on "), "\(result.errorOutput)")
  }

  @Test func `an error of MPI is thrown with its function and text`() async throws {
    let result = try await probe(["truncation"], ranks: 2)
    #expect(result.status == 1)
    #expect(result.errorOutput.contains("MPI_Allreduce failed: MPI_ERR_TRUNCATE"))
  }

  @Test func `a process without a launcher makes no MPI call`() async throws {
    let result = try await MPILauncher.runCommand(
      MPILauncher.builtProduct("CollectiveProbe"), ["alone"], environment: noLauncher)
    #expect(result.status == 0, "\(result.errorOutput)")
    #expect(result.output == "rank 0 of 1: alone\n")
  }

  @Test(arguments: ["SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "PMI_SIZE"])
  func `ranks that cannot find each other do not train alone`(variable: String) async throws {
    let result = try await MPILauncher.runCommand(
      MPILauncher.builtProduct("CollectiveProbe"), ["alone"],
      environment: noLauncher.merging([variable: "4"]) { $1 })
    #expect(result.status == 69)
    #expect(result.errorOutput.hasPrefix("\(variable) asks for 4 processes"))
    #expect(result.output.isEmpty)
  }
}

/// Changes to the environment that leave no trace of a launcher.
let noLauncher: [String: String?] = [
  "OMPI_COMM_WORLD_SIZE": nil, "PMIX_RANK": nil, "PMIX_NAMESPACE": nil,
  "SLURM_STEP_NUM_TASKS": nil, "SLURM_NTASKS": nil, "PMI_SIZE": nil,
]

/// Runs a check of the probe on some ranks.
func probe(
  _ check: [String], ranks: Int, options: [String] = []
) async throws -> CommandResult {
  try await MPILauncher.mpirun(
    ranks: ranks, options: options, program: MPILauncher.builtProduct("CollectiveProbe"),
    arguments: check)
}
