internal import ArgumentParser
internal import Foundation

/// How progress is shown; shared by all commands that may take long.
struct ProgressOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "auto, tty (table and live line), plain, json or off; also DISTTRAIN_PROGRESS.",
      valueName: "style"))
  var progress: ProgressStyle?

  @Option(
    help: ArgumentHelp(
      "auto, always or never; NO_COLOR and FORCE_COLOR count.", valueName: "when"))
  var color = ColorChoice.auto

  /// Decides what standard error is, and shows everything from here on in that way.
  func apply() throws -> Terminal {
    let terminal = try Terminal(
      style: progress, color: color, environment: ProcessInfo.processInfo.environment,
      streams: .own)
    Console.use(terminal)
    return terminal
  }
}

extension ProgressStyle: ExpressibleByArgument {}
extension ColorChoice: ExpressibleByArgument {}
