internal import ArgumentParser

/// disttrain report
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Writes report.html and report.md of a run, or of several side by side.",
    usage: "disttrain report <run> ... [--output <folder>]",
    discussion: """
      Examples:
        disttrain report runs/first
        disttrain report runs/first runs/second --output comparison

      The files of the runs are all that is read. The page needs no network and no
      script. A run that still goes on gives the parts that there are.
      """)

  @Argument(help: "Folders of runs.")
  var runs: [String]

  @Option(
    help: ArgumentHelp("Where to write, instead of the first run.", valueName: "folder"))
  var output: String?

  func run() throws {
    let path = try Report.write(runs, to: output ?? runs[0])
    Console.result(path)
    Console.result(path.dropLast(".html".count) + ".md")
  }
}
