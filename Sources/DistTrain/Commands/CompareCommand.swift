internal import ArgumentParser

/// disttrain compare
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Puts runs, baselines and published figures into one table.",
    usage: "disttrain compare <run> ... [--baselines <file>] [--output <folder>]",
    discussion: """
      Examples:
        disttrain compare runs/first runs/second
        disttrain compare runs/* --baselines runs/simple/baselines.json --output table

      Prints the table and writes compare.md and compare.html. The files of the
      runs are all that is read. Without --baselines the first baselines.json in
      a run's folder is taken, if there is any.
      """)

  @Argument(help: "Folders of runs.", completion: .directory)
  var runs: [String]

  @Option(help: ArgumentHelp("What disttrain baselines has written.", valueName: "file"))
  var baselines: String?

  @Option(
    help: ArgumentHelp("Where to write, instead of the first run.", valueName: "folder"))
  var output: String?

  func run() throws {
    let table = try RunTable(folders: runs, baselines: baselines)
    let folder = RunFolder(output ?? runs[0])
    try folder.make()
    try folder.write(table.markdown, to: "compare.md")
    try folder.write(table.page, to: "compare.html")
    Console.result(table.text)
    for name in ["compare.html", "compare.md"] { Console.note("compared   \(folder.path)/\(name)") }
  }
}
