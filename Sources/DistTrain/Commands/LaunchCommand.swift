internal import ArgumentParser
internal import Collective
internal import Foundation

/// disttrain launch
struct LaunchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "launch",
    abstract: "Trains under supervision: restarts a job that fails from its last checkpoint.",
    usage: "disttrain launch -n <ranks> [--hostfile <file>] <recipe> [<settings> ...]",
    discussion: """
      Examples:
        disttrain launch -n 2 recipe.yaml
        disttrain launch --hostfile hosts recipe.yaml learning_rate=1e-4

      A job is restarted after a crash, a stuck rank or a lost host, without the
      hosts that do not answer. The result is the same bytes as that of an
      undisturbed run. Faults that would come again, such as a wrong setting, end
      it at once. SIGTERM, SIGINT and SIGUSR1 stop it with a checkpoint, code 75.
      """)

  @OptionGroup var launch: LaunchOptions

  @Option(help: "Give up after this many attempts in a row without a newer checkpoint.")
  var maxRestarts = 3

  @Option(
    help: "End a job without a sign of life for this many seconds; more than watchdog_seconds.")
  var silenceSeconds = 900.0

  @Option(help: "Seconds that a job may take for its last checkpoint.")
  var graceSeconds = 60.0

  @OptionGroup var progress: ProgressOptions
  @OptionGroup var options: RunOptions

  func run() throws {
    let terminal = try progress.apply()
    guard launch.isWanted else { throw ValidationError("say -n <ranks> or --hostfile <file>") }
    guard maxRestarts > 0, silenceSeconds > 0, graceSeconds >= 0 else {
      throw ValidationError("the limits must be positive")
    }
    let (file, overrides) = try ConfigurationValues.parse(options.settings)
    let configuration = try RunConfiguration(
      ConfigurationValues(
        file: file, environment: ProcessInfo.processInfo.environment, overrides: overrides))
    guard silenceSeconds > configuration.watchdogSeconds else {
      throw CommandFailure(
        "--silence-seconds \(silenceSeconds) must be longer than watchdog_seconds"
          + " \(configuration.watchdogSeconds), or faults are ended before the ranks can name them",
        exitCode: 78)
    }
    if launch.hostfile != nil,
      (0.001..<MPICommand.keepaliveSeconds).contains(configuration.watchdogSeconds)
    {
      Console.alert(
        "warning",
        "watchdog_seconds \(configuration.watchdogSeconds) is shorter than the"
          + " \(Int(MPICommand.keepaliveSeconds)) s after which mpirun notices a lost host")
    }
    StopSignal.install()
    var supervisor = try Supervisor(
      launch.command(
        threads: configuration.threadsPerRank, arguments: ["train"] + options.settings,
        terminal: terminal),
      run: RunFolder(configuration.outputPath),
      policy: .init(
        attemptsWithoutProgress: maxRestarts, silenceSeconds: silenceSeconds,
        graceSeconds: graceSeconds),
      remoteShell: RemoteShell.fromEnvironment)
    let code = try supervisor.supervise()
    if code != 0 { throw ExitCode(code) }
  }
}
