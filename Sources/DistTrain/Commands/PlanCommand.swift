internal import ArgumentParser
internal import Collective
internal import Model

/// disttrain plan
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Predicts memory, step time and scaling of a run from a short measurement.",
    usage: "disttrain plan [-n <ranks>] [--hosts <n> ...] [<recipe>] [<settings> ...]",
    discussion: """
      Examples:
        disttrain plan recipe.yaml
        disttrain plan recipe.yaml --hosts 8 --bandwidth 10
        disttrain plan -n 4 --hostfile hosts recipe.yaml
        disttrain plan model_name_or_path=models/Qwen2.5-7B-Instruct --tokens 200

      A model folder with config.json alone is enough: its shapes are timed with
      zeros. With -n or --hostfile all ranks are measured at once, and the network
      between them. Formulas are in docs/scaling.md.
      """)

  @OptionGroup var launch: LaunchOptions

  @Option(help: "Hosts of the planned job.")
  var hosts: Int?

  @Option(help: "Ranks on each of them.")
  var ranksPerHost: Int?

  @Option(help: "Gbit/s of a host's link; measured by default, or 10.")
  var bandwidth: Double?

  @Option(help: "Microseconds of a message; measured by default, or 50.")
  var latency: Double?

  @Option(help: "Tokens of a sequence where there is no data set.")
  var tokens = 128

  @Option(help: "Sequences to train on where there is no data set.")
  var sequences: Int?

  @Option(help: "Seconds to measure micro-batches for.")
  var probeSeconds = 20.0

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var options: RunOptions

  func validate() throws {
    for (name, value) in [
      ("--hosts", hosts), ("--ranks-per-host", ranksPerHost), ("--tokens", tokens - 1),
      ("--sequences", sequences),
    ] {
      if let value, value < 1 { throw ValidationError("\(name) is too small") }
    }
    for (name, value) in [
      ("--bandwidth", bandwidth), ("--latency", latency), ("--probe-seconds", probeSeconds),
    ] {
      if let value, !(value > 0 && value.isFinite) {
        throw ValidationError("\(name) must be positive")
      }
    }
  }

  func run() throws {
    let (file, overrides) = try ConfigurationValues.parse(options.settings)
    if launch.isWanted {
      try Launcher.run(
        launch.command(
          threads: RunOptions.threads(overrides, file: file),
          arguments: ["plan"] + flags + options.settings))
    }
    try Job.run { job in
      let partial = try PartialConfiguration.resolve(job, file: file, overrides: overrides)
      var planning = PlanRun.Options()
      planning.request.hosts = hosts
      planning.request.ranksPerHost = ranksPerHost
      planning.request.bandwidth = bandwidth
      planning.request.latency = latency
      planning.tokens = tokens
      planning.sequences = sequences
      planning.probeSeconds = probeSeconds
      let plan = try PlanRun.run(partial, planning, job)
      if job.ranks.isRoot { Console.result(json ? plan.json.text(indent: 2) : plan.text) }
    }
  }

  /// What was given, for the same command under mpirun.
  private var flags: [String] {
    let given: [(String, String?)] = [
      ("--hosts", hosts.map { "\($0)" }), ("--ranks-per-host", ranksPerHost.map { "\($0)" }),
      ("--bandwidth", bandwidth.map { "\($0)" }), ("--latency", latency.map { "\($0)" }),
      ("--tokens", "\(tokens)"), ("--sequences", sequences.map { "\($0)" }),
      ("--probe-seconds", "\(probeSeconds)"),
    ]
    return given.flatMap { name, value in value.map { [name, $0] } ?? [] }
      + (json ? ["--json"] : [])
  }
}
