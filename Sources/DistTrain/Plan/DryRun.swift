internal import Checkpoints
internal import Collective
internal import Foundation
internal import Logging
internal import Model

/// train --dry-run: everything up to the first step on one rank, and what the whole run will need.
///
/// Weights are checked for names and shapes and not read; nothing is written to the run's folder.
enum DryRun {
  private static let probeSeconds = 6.0

  static func run(
    _ configuration: RunConfiguration, _ launch: LaunchOptions, settings: [String],
    _ job: borrowing Job
  ) throws {
    try configuration.isEncoder
      ? run(EncoderInputs.self, configuration, launch, settings: settings, job)
      : run(RunInputs.self, configuration, launch, settings: settings, job)
  }

  private static func run<Inputs: TrainingInputs>(
    _ kind: Inputs.Type, _ configuration: RunConfiguration, _ launch: LaunchOptions,
    settings: [String], _ job: borrowing Job
  ) throws {
    guard job.ranks.worldSize == 1 else {
      throw CommandFailure(
        "--dry-run takes one process; say -n \(job.ranks.worldSize) instead of starting mpirun",
        exitCode: 64)
    }
    configuration.precision.setThreadCount(configuration.threadsPerRank)
    let folder = RunFolder(configuration.outputPath)
    try folder.check(
      resumes: configuration.resumeFrom != nil, overwrites: configuration.overwritesOutput)
    try folder.checkAccess()
    let ranks = try Ranks(launch)
    let inputs = try Inputs(CrossValidation.first(of: configuration))
    var data = TrainingData(inputs)
    let examples = try data.firstEpoch()
    try inputs.checkWeights()
    let plan = try plan(configuration, ranks, job)
    var screen = FirstScreen()
    try inputs.addRows(to: &screen, examples)
    let audit = LeakAudit(inputs)
    screen.add("audit", audit.summary)
    if let folds = configuration.folds {
      screen.add("folds", "\(folds); what is told here is of the first")
    }
    screen.addCompute(configuration, ranks: ranks.count, hosts: ranks.hosts)
    screen.addWork(configuration, data.plan, ranks: ranks.count)
    screen.add("output", folder.path)
    try screen.addResume(configuration, folder)
    let command = try launch.command(
      threads: configuration.threadsPerRank, arguments: ["train"] + settings,
      defaultRanks: launch.hostfile == nil ? 1 : nil)
    let histogram = LengthHistogram(examples.map(inputs.tokenCount))
    let lines =
      ["disttrain \(DistTrain.version), dry run", ""] + screen.lines
      + ["", "tokens of the training examples"]
      + histogram.lines(isUnicode: Console.terminal.isUnicode).map { "  " + $0 } + [""]
      + plan.memoryLines + [""] + plan.timeLines
      + [
        "", "The time is measured with zeros in the model's shapes on one rank;",
        "`disttrain plan -n N` measures all ranks at once. Nothing was written. To start:", "",
        "  " + command.shellLine,
      ]
    Console.endLive()
    Console.result(lines.joined(separator: "\n"))
    for warning in audit.warnings { job.log.warning("\(warning)") }
  }

  /// Where the ranks of the run would be.
  private struct Ranks {
    let hosts: [String]
    let count: Int
    let perHost: Int

    init(_ launch: LaunchOptions) throws {
      let file = try launch.hostfile.map { try HostFile(path: $0) }
      hosts = file?.hosts.map(\.name) ?? ["localhost"]
      count = launch.ranks ?? file?.totalSlots ?? 1
      guard count > 0 else { throw CommandFailure("-n must be positive", exitCode: 64) }
      let slots = file?.hosts.compactMap(\.slots).max()
      perHost = min(count, slots ?? (count + hosts.count - 1) / hosts.count)
    }
  }

  /// Memory and time as the plan command finds them.
  private static func plan(
    _ configuration: RunConfiguration, _ ranks: Ranks, _ job: borrowing Job
  ) throws -> Plan {
    var options = PlanRun.Options()
    options.request.hosts = min(ranks.hosts.count, ranks.count)
    options.request.ranksPerHost = ranks.perHost
    options.probeSeconds = probeSeconds
    options.usesZeros = true
    return try PlanRun.run(
      PartialConfiguration(configuration.values), options, job)
  }
}

extension FirstScreen {
  /// Where the run would go on, if it is to be continued; a checkpoint of another run is refused as by the run itself.
  fileprivate mutating func addResume(
    _ configuration: RunConfiguration, _ folder: RunFolder
  ) throws {
    guard let name = configuration.resumeFrom else { return }
    let checkpoint: Checkpoint?
    if name == "auto" {
      let isThere = FileManager.default.fileExists(atPath: folder.checkpoints.folder)
      guard isThere else { return add("resume", "no checkpoint yet; from the beginning") }
      let search = try folder.checkpoints.newest()
      for refused in search.refused { Console.alert("warning", "\(refused.reason)") }
      checkpoint = search.found?.checkpoint
    } else {
      checkpoint = try folder.checkpoints.load(name)
    }
    guard let checkpoint else { return add("resume", "no checkpoint yet; from the beginning") }
    let differences = configuration.differences(
      from: try JSONParser.parse(checkpoint.configuration))
    guard differences.isEmpty else {
      throw CommandFailure(
        "the checkpoint belongs to another run:\n"
          + differences.map { "  \($0)" }.joined(separator: "\n"), exitCode: 65)
    }
    add("resume", "after step \(checkpoint.step) of \(checkpoint.totalSteps)")
  }
}

extension MPICommand {
  /// The command for a shell; without mpirun where one rank is enough.
  var shellLine: String {
    let words = ranks == 1 && hostFile == nil ? [Self.program] + arguments : words
    return words.map(Self.quoted).joined(separator: " ")
  }

  /// A word as a POSIX shell reads it back.
  static func quoted(_ word: String) -> String {
    let plain = word.utf8.allSatisfy {
      $0 < 0x80
        && (Character(Unicode.Scalar($0)).isLetter || "0123456789_@%+=:,./-".utf8.contains($0))
    }
    return plain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}
