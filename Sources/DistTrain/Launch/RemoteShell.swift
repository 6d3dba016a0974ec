internal import Foundation
internal import Glibc

/// Runs a command on another host, by ssh or whatever mpirun uses instead.
struct RemoteShell {
  private let words: [String]

  init(_ words: [String]) { self.words = words }

  /// What mpirun itself would use: the setting plm_rsh_agent, or ssh that asks nothing.
  static var fromEnvironment: [String] {
    let agent = ProcessInfo.processInfo.environment["OMPI_MCA_plm_rsh_agent"]
    let words = agent?.split(separator: " ").map(String.init)
    return words ?? ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]
  }

  /// The exit code, or nil where the command cannot be started or takes too long, on which it is ended.
  func run(_ command: String, on host: String, seconds: Double) -> Int32? {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words + [host, command]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return nil }
    let deadline = Date(timeIntervalSinceNow: seconds)
    while process.isRunning && Date() < deadline { usleep(20_000) }
    guard process.isRunning else { return process.terminationStatus }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    return nil
  }
}
