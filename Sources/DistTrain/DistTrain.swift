internal import ArgumentParser
internal import Collective
internal import Glibc

/// The command line.
@main
struct DistTrain: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "disttrain",
    abstract:
      "Fine-tunes Qwen with LoRA on CPU clusters; the number of ranks does not change the result.",
    version: version,
    subcommands: [
      DemoCommand.self, TrainCommand.self, LaunchCommand.self, EvaluateCommand.self,
      ReportCommand.self, BaselinesCommand.self, CompareCommand.self, WatchCommand.self,
      InspectCommand.self, VerifyCommand.self, ExportCommand.self, PlanCommand.self,
      DoctorCommand.self, BenchCommand.self, SynthesizeCommand.self, AskCommand.self,
      ConfigCommand.self, EnvironmentCommand.self,
    ])

  static func main() {
    // A limit of the file size is an error of the write that meets it, not the end of the process without a word.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as ReportedFailure {
      MPIEnvironment.abort(code: failure.exitCode)
    } catch let code as ExitCode {
      Glibc.exit(code.rawValue)
    } catch {
      if exitCode(for: error) == .failure {
        Console.alert("error", "\(error)")
        Glibc.exit(CommandFailure.exitCode(of: error))
      }
      exit(withError: error)
    }
  }
}
