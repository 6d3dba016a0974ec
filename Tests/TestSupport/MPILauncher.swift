internal import Foundation
internal import Subprocess

/// Starts programs of this package, alone or as the ranks of an MPI job.
package enum MPILauncher {
  /// The `mpirun` on the search path, or nil where Open MPI is not installed.
  package static let mpirunPath: String? = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"
    return path.split(separator: ":").map { "\($0)/mpirun" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// True where tests with several ranks can run; for `.enabled(if:)`.
  package static var isAvailable: Bool { mpirunPath != nil }

  /// The path of an executable product, which SwiftPM builds next to the test bundle.
  package static func builtProduct(_ name: String) throws -> String {
    var folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    while folder.path != "/" {
      folder.deleteLastPathComponent()
      let candidate = folder.appending(path: name).path
      let isFolder = (try? FileManager.default.contentsOfDirectory(atPath: candidate)) != nil
      if !isFolder, FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
    }
    throw ProductNotFound(name: name)
  }

  /// Runs `mpirun -n ranks program arguments` with both outputs collected.
  ///
  /// Tests share few cores, so ranks are not bound to them and give way while they wait. Each job has
  /// its own session folder: with the common one, a job that ends removes what another just made.
  package static func mpirun(
    ranks: Int, options: [String] = [], program: String, arguments: [String] = [],
    environment: [String: String?] = [:], timeout: Duration = .seconds(60)
  ) async throws -> CommandResult {
    guard let mpirunPath else { throw ProductNotFound(name: "mpirun") }
    let sessions = FileManager.default.temporaryDirectory.appending(path: "mpirun-\(UUID())")
    try FileManager.default.createDirectory(at: sessions, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: sessions) }
    let asRoot = ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]
    return try await runCommand(
      mpirunPath,
      ["-n", "\(ranks)", "--oversubscribe", "--bind-to", "none"]
        + ["--mca", "orte_tmpdir_base", sessions.path, "--mca", "mpi_yield_when_idle", "1"]
        + options + [program] + arguments,
      environment: environment.merging(asRoot) { given, _ in given }, timeout: timeout)
  }

  /// Runs a command and waits for its end; a nil value removes an environment variable.
  ///
  /// At the time limit the command, and no other process, gets SIGTERM, and SIGKILL ten seconds later;
  /// `mpirun` ends its ranks itself.
  package static func runCommand(
    _ path: String, _ arguments: [String] = [], environment: [String: String?] = [:],
    timeout: Duration = .seconds(60)
  ) async throws -> CommandResult {
    let changes = environment.map { (Environment.Key(stringLiteral: $0), $1) }
    // `env` becomes the command, under the same process id. Naming a path to Subprocess would need a
    // type of another package.
    let record = try await run(
      .name("env"), arguments: Arguments([path] + arguments),
      environment: .inherit.updating(Dictionary(uniqueKeysWithValues: changes)),
      input: .none, output: .string(limit: 16 << 20), error: .string(limit: 16 << 20)
    ) { execution in
      Task {
        do { try await Task.sleep(for: timeout) } catch { return false }
        await execution.teardown(
          using: [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))])
        return true
      }
    }
    let limitWatch = record.closureResult
    limitWatch.cancel()
    let result = CommandResult(
      status: exitCode(record.terminationStatus), output: record.standardOutput,
      errorOutput: record.standardError)
    guard await !limitWatch.value else {
      throw CommandTimedOut(command: [path] + arguments, limit: timeout, result: result)
    }
    return result
  }

  /// A termination as a shell would report it.
  private static func exitCode(_ status: TerminationStatus) -> Int32 {
    switch status {
    case .exited(let code): code
    case .signaled(let signal): 128 + signal
    }
  }
}

/// A program that a test wants to start is not there.
package struct ProductNotFound: Error, CustomStringConvertible {
  package let name: String

  package var description: String {
    "\(name) was not found next to the tests or on the search path. Make it a dependency of the test "
      + "target, or install it."
  }
}
