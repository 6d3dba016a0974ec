internal import ArgumentParser
internal import Foundation

/// disttrain evaluate
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Scores a run's adapter or encoder, or any PEFT adapter, on held-out questions.",
    usage:
      "disttrain evaluate <run> | --adapter <folder> <recipe> | --base <recipe> [<settings> ...]",
    discussion: """
      Examples:
        disttrain evaluate runs/first
        disttrain evaluate runs/first option_order=dataset
        disttrain evaluate runs/first score=generated option_order=all-cyclic
        disttrain evaluate --adapter my-adapter recipe.yaml -n 2
        disttrain evaluate --base recipe.yaml

      A run's own config.yaml and test_split.json are used; results go into the run's folder, or to output_dir.
      Without an adapter they go to runs/base.
      """)

  @Option(help: "A PEFT adapter folder to score instead of a run.", completion: .directory)
  var adapter: String?

  @Flag(help: "Score the base model, without an adapter.")
  var base = false

  @OptionGroup var launch: LaunchOptions
  @OptionGroup var progress: ProgressOptions
  @OptionGroup var options: RunOptions

  func run() throws {
    let terminal = try progress.apply()
    var (file, overrides) = try ConfigurationValues.parse(options.settings)
    if launch.isWanted {
      let given = (adapter.map { ["--adapter", $0] } ?? []) + (base ? ["--base"] : [])
      try Launcher.run(
        launch.command(
          threads: RunOptions.threads(
            overrides, file: adapter == nil ? file.map { $0 + "/config.yaml" } : file),
          arguments: ["evaluate"] + given + options.settings, terminal: terminal))
    }
    func fallback(_ key: String, _ value: String) {
      if !overrides.contains(where: { $0.key == key }) { overrides.append((key, value)) }
    }
    var trained: String?
    if base {
      guard adapter == nil else { throw ValidationError("give --base or --adapter, not both") }
      fallback("init_adapter", "none")
      fallback("output_dir", "runs/base")
    } else if let adapter {
      fallback("init_adapter", adapter)
      if file == nil { fallback("output_dir", adapter + "/evaluation") }
    } else if let run = file {
      trained = RunFolder(run).trainedModel
      guard FileManager.default.fileExists(atPath: run + "/config.yaml") else {
        throw CommandFailure(
          "\(run) is not the folder of a run (no config.yaml); give one, or --adapter", exitCode: 66
        )
      }
      file = run + "/config.yaml"
      if trained == nil { fallback("init_adapter", run + "/adapter") }
      fallback("split", run + "/test_split.json")
      fallback("output_dir", run)
    } else {
      throw ValidationError("give the folder of a run, or --adapter with a recipe")
    }
    try Job.run { [file, overrides, trained] job in
      let configuration = try RunOptions.resolve(job, file: file, overrides: overrides)
      try EvaluationRun.run(configuration, trained: trained, job)
    }
  }
}
