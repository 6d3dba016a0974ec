internal import Foundation
internal import Glibc

/// Starts this program again under mpirun.
enum Launcher {
  /// The mpirun line for `ranks` processes of this program with `arguments`.
  static func command(ranks: Int, threads: Int, arguments: [String]) -> [String] {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let binding =
      ranks * threads <= cores
      ? ["--map-by", "slot:PE=\(threads)", "--bind-to", "core"]
      : ["--oversubscribe", "--bind-to", "none"]
    let program = CommandLine.arguments.first ?? "disttrain"
    let resolved = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    return ["mpirun", "-n", String(ranks)] + binding + [resolved ?? program] + arguments
  }

  /// Replaces this process by the mpirun line, which is printed first; returns only by throwing.
  static func run(ranks: Int, threads: Int, arguments: [String]) throws -> Never {
    guard unsafe getenv("OMPI_COMM_WORLD_SIZE") == nil else {
      throw CommandFailure(
        "-n starts mpirun, but mpirun has started this process; leave -n out", exitCode: 69)
    }
    let command = command(ranks: ranks, threads: threads, arguments: arguments)
    // Containers commonly run as root, which mpirun refuses unless told twice that it is meant.
    if getuid() == 0 {
      unsafe setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1)
      unsafe setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1)
    }
    Console.note("+ " + command.joined(separator: " "))
    var pointers = unsafe command.map { unsafe strdup($0) } + [nil]
    unsafe execvp("mpirun", &pointers)
    throw CommandFailure(
      "cannot start mpirun (\(unsafe String(cString: strerror(errno)))); install openmpi-bin",
      exitCode: 69)
  }
}
