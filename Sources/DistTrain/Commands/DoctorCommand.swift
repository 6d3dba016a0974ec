internal import ArgumentParser
internal import Foundation
internal import Glibc

/// disttrain doctor
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Checks hosts, network and inputs before a run, and says how to mend what fails.",
    usage: "disttrain doctor [-n <ranks>] [--hostfile <file>] [<recipe>] [<settings> ...]",
    discussion: """
      Examples:
        disttrain doctor
        disttrain doctor -n 2 recipe.yaml
        disttrain doctor --hostfile hosts model_name_or_path=/models/qwen

      Exit code 0 if nothing failed, warnings or not; 69 if something did.
      """)

  @OptionGroup var launch: LaunchOptions

  @Option(
    help: ArgumentHelp("auto, always or never; NO_COLOR and FORCE_COLOR count.", valueName: "when"))
  var color = ColorChoice.auto

  @OptionGroup var options: RunOptions

  /// Under mpirun every rank's output looks like a terminal, so its caller decides.
  private var isColored: Bool {
    let environment = ProcessInfo.processInfo.environment
    let isTerminal = environment["OMPI_COMM_WORLD_SIZE"] == nil && isatty(STDOUT_FILENO) == 1
    return Terminal.isColored(color, environment, isTerminal: isTerminal)
  }

  func run() throws {
    let (file, overrides) = try ConfigurationValues.parse(options.settings)
    if launch.isWanted {
      let color = ["--color", isColored ? "always" : "never"]
      try reachHosts()
      try Launcher.run(
        launch.command(
          threads: RunOptions.threads(overrides, file: file),
          arguments: ["doctor"] + color + options.settings))
    }
    try Job.run(comparesPrograms: false) { job in
      let partial = try PartialConfiguration.resolve(job, file: file, overrides: overrides)
      try DoctorRun.run(partial, isColored: isColored, job)
    }
  }

  /// Asks every host of the host file for this program, which mpirun's own errors say little about.
  private func reachHosts() throws {
    guard let hostfile = launch.hostfile else { return }
    let printer = FindingPrinter(isColored: isColored)
    let findings = HostReach(RemoteShell(RemoteShell.fromEnvironment))
      .findings(try HostFile(path: hostfile).hosts.map(\.name))
    for finding in findings { for line in printer.lines(finding) { Console.result(line) } }
    guard findings.allSatisfy({ $0.level != .failure }) else {
      Console.result(printer.summary(findings))
      throw ExitCode(69)
    }
  }
}
