internal import ArgumentParser

/// disttrain train
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains an adapter, or an encoder, and scores it on held-out questions.",
    discussion: """
      Examples:
        disttrain train recipe.yaml -n 2
        disttrain train recipe.yaml --dry-run
        disttrain train recipe.yaml learning_rate=1e-4 --num-train-epochs 3
        mpirun -n 4 --hostfile hosts disttrain train recipe.yaml
        disttrain train recipe.yaml resume_from_checkpoint=auto

      \(RunOptions.keyHelp)
      """)

  @OptionGroup var launch: LaunchOptions

  @Flag(help: "Check everything, measure a little, and say what the run will need; write nothing.")
  var dryRun = false

  @OptionGroup var progress: ProgressOptions
  @OptionGroup var options: RunOptions

  func run() throws {
    let terminal = try progress.apply()
    let (file, overrides) = try ConfigurationValues.parse(options.settings)
    if dryRun {
      return try Job.run { job in
        let configuration = try RunOptions.resolve(job, file: file, overrides: overrides)
        try DryRun.run(configuration, launch, settings: options.settings, job)
      }
    }
    if launch.isWanted {
      try Launcher.run(
        launch.command(
          threads: RunOptions.threads(overrides, file: file),
          arguments: ["train"] + options.settings,
          terminal: terminal))
    }
    try Job.run { job in
      let configuration = try RunOptions.resolve(job, file: file, overrides: overrides)
      if configuration.folds == nil {
        try Self.train(configuration, job)
      } else {
        try CrossValidation.run(configuration, job) { try Self.train($0, $1) }
      }
    }
  }

  /// Trains whatever the model calls for.
  @discardableResult
  private static func train(
    _ configuration: RunConfiguration, _ job: borrowing Job
  ) throws -> HeldOutScore {
    configuration.isEncoder
      ? try TrainingRun<EncoderInputs>.run(configuration, job)
      : try TrainingRun<RunInputs>.run(configuration, job)
  }
}
