internal import ArgumentParser
internal import Foundation
internal import Glibc

/// How many ranks to start, and where; shared by all commands that start mpirun.
struct LaunchOptions: ParsableArguments {
  @Option(
    name: [.customShort("n"), .customLong("ranks")],
    help: "Start this many ranks with mpirun (its line is printed first).")
  var ranks: Int?

  @Option(
    help: "Open MPI's host file: a host per line, slots=N ranks each.", completion: .file())
  var hostfile: String?

  @Option(
    help: "The network between the hosts, such as 10.0.0.0/24; found by itself where all share one."
  )
  var network: String?

  /// Whether mpirun is to be started at all.
  var isWanted: Bool { ranks != nil || hostfile != nil }

  /// The mpirun line for `arguments`; by default as many ranks as the host file has slots.
  func command(
    threads: Int, arguments: [String], terminal: Terminal? = nil, defaultRanks: Int? = nil
  ) throws -> MPICommand {
    let file = try hostfile.map { try HostFile(path: $0) }
    guard let count = ranks ?? file?.totalSlots ?? defaultRanks, count > 0 else {
      throw CommandFailure(
        "say how many ranks to start: -n N, or slots=N for each host of the host file",
        exitCode: 64)
    }
    let found = file.flatMap { Network.shared(by: $0.hosts.map(\.name))?.description }
    var command = MPICommand(
      ranks: count, threads: threads, hostFile: hostfile, network: network ?? found,
      arguments: arguments)
    command.terminal = terminal
    return command
  }
}

/// Starts this program again under mpirun.
enum Launcher {
  /// Replaces this process by the mpirun line, which is printed first; returns only by throwing.
  static func run(_ command: MPICommand) throws -> Never {
    guard unsafe getenv("OMPI_COMM_WORLD_SIZE") == nil else {
      throw CommandFailure(
        "-n starts mpirun, but mpirun has started this process; leave -n out", exitCode: 69)
    }
    allowRoot()
    Console.note("+ " + command.words.joined(separator: " "))
    var pointers = unsafe command.words.map { unsafe strdup($0) } + [nil]
    unsafe execvp("mpirun", &pointers)
    throw CommandFailure(
      "cannot start mpirun (\(unsafe String(cString: strerror(errno)))); install openmpi-bin",
      exitCode: 69)
  }

  /// Containers commonly run as root, which mpirun refuses unless told twice that it is meant.
  static func allowRoot() {
    guard getuid() == 0 else { return }
    unsafe setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1)
    unsafe setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1)
  }
}
