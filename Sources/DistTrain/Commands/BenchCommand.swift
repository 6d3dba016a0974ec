internal import ArgumentParser
internal import Collective
internal import Model

/// disttrain bench
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract:
      "Measures matrix products at a model's shapes, then training steps, and where time goes.",
    usage: "disttrain bench [-n <ranks>] [--json] <recipe> [<settings> ...]",
    discussion: """
      Examples:
        disttrain bench -n 2 recipe.yaml precision=bfloat16
        disttrain bench recipe.yaml model_name_or_path=models/random --json

      Nothing is written. `disttrain synthesize` makes models to measure with.
      """)

  @OptionGroup var launch: LaunchOptions

  @Option(help: "Optimizer steps to measure, after one to warm up.")
  var steps = 3

  @Option(help: "Seconds to measure the products of each shape for.")
  var productSeconds = 0.5

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var options: RunOptions

  func validate() throws {
    if steps < 1 { throw ValidationError("--steps is too small") }
    if !(productSeconds > 0 && productSeconds.isFinite) {
      throw ValidationError("--product-seconds must be positive")
    }
  }

  func run() throws {
    let (file, overrides) = try ConfigurationValues.parse(options.settings)
    if launch.isWanted {
      let flags =
        ["--steps", "\(steps)", "--product-seconds", "\(productSeconds)"] + (json ? ["--json"] : [])
      try Launcher.run(
        launch.command(
          threads: RunOptions.threads(overrides, file: file),
          arguments: ["bench"] + flags + options.settings))
    }
    try Job.run { job in
      let partial = try PartialConfiguration.resolve(job, file: file, overrides: overrides)
      guard partial.modelPath != nil, partial.datasetPath != nil else {
        throw CommandFailure(
          "bench needs model_name_or_path and dataset_path, in a recipe or as settings",
          exitCode: 78)
      }
      let benchmark = try Benchmark.run(
        partial.configuration, steps: steps, productSeconds: productSeconds, job)
      if job.ranks.isRoot {
        Console.result(json ? benchmark.json.text(indent: 2) : benchmark.text)
      }
    }
  }
}
