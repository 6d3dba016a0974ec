internal import Foundation

/// Starts the programs of this package, with or without mpirun.
package enum CommandRunner {
  /// Where the package's programs were built: beside the running test bundle.
  package static var products: String {
    let arguments = CommandLine.arguments
    for index in arguments.indices where arguments[index] == "--test-bundle-path" {
      if index + 1 < arguments.count {
        return URL(filePath: arguments[index + 1]).deletingLastPathComponent().path
      }
    }
    return URL(filePath: arguments[0]).deletingLastPathComponent().path
  }

  package static var hasMPI: Bool {
    FileManager.default.isExecutableFile(atPath: "/usr/bin/mpirun")
  }

  /// A started program and the files that collect what it prints.
  package final class Running {
    private let process = Process()
    package var isRunning: Bool { process.isRunning }
    package var identifier: Int32 { process.processIdentifier }
    private let output = NSTemporaryDirectory() + UUID().uuidString
    private let errors = NSTemporaryDirectory() + UUID().uuidString
    /// Where mpirun keeps its session: with a common folder, a job that ends removes what another just made.
    private let session = NSTemporaryDirectory() + "mpi-" + UUID().uuidString

    init(_ command: [String], environment: [String: String]) throws {
      _ = FileManager.default.createFile(atPath: output, contents: nil)
      _ = FileManager.default.createFile(atPath: errors, contents: nil)
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = command
      var all = ProcessInfo.processInfo.environment
      try FileManager.default.createDirectory(atPath: session, withIntermediateDirectories: true)
      all["OMPI_MCA_orte_tmpdir_base"] = session
      all["OMPI_MCA_mpi_yield_when_idle"] = "1"
      all["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
      all["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
      process.environment = all.merging(environment) { $1 }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = try FileHandle(forWritingTo: URL(filePath: output))
      process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
      try process.run()
    }

    /// Waits for the end; a program that takes longer than `seconds` is ended.
    package func wait(seconds: Double = 240) -> CommandResult {
      let deadline = Date(timeIntervalSinceNow: seconds)
      while process.isRunning && Date() < deadline { Thread.sleep(forTimeInterval: 0.02) }
      if process.isRunning { process.terminate() }
      process.waitUntilExit()
      try? FileManager.default.removeItem(atPath: session)
      func text(_ path: String) -> String {
        defer { try? FileManager.default.removeItem(atPath: path) }
        return String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
      }
      return CommandResult(
        status: process.terminationStatus, output: text(output), errorOutput: text(errors))
    }
  }

  /// Starts `program` of this package; with `ranks` under mpirun.
  package static func start(
    _ program: String, _ arguments: [String], ranks: Int? = nil, mpi: [String] = [],
    environment: [String: String] = [:]
  ) throws -> Running {
    let launcher = ranks.map {
      ["mpirun", "-n", "\($0)", "--oversubscribe", "--bind-to", "none"] + mpi
    }
    return try Running(
      (launcher ?? []) + [products + "/" + program] + arguments, environment: environment)
  }

  /// Runs `program` of this package to its end.
  package static func run(
    _ program: String, _ arguments: [String], ranks: Int? = nil, mpi: [String] = [],
    environment: [String: String] = [:]
  ) throws -> CommandResult {
    try start(program, arguments, ranks: ranks, mpi: mpi, environment: environment).wait()
  }
}
