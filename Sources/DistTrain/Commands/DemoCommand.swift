internal import ArgumentParser
internal import Collective
internal import Foundation
internal import Model

/// disttrain demo
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Trains the embedded model on the embedded questions, scored before and after.",
    discussion: "Two ranks unless mpirun or -n says otherwise. A demonstration, not a benchmark.")

  @OptionGroup var launch: LaunchOptions
  @OptionGroup var progress: ProgressOptions

  @Argument(
    parsing: .allUnrecognized,
    help: ArgumentHelp("Settings that win over the demo's own.", valueName: "settings"))
  var settings: [String] = []

  /// The folder of the embedded model and questions.
  static var folder: String { Bundle.module.bundlePath + "/Demo" }

  func run() throws {
    let terminal = try progress.apply()
    let (_, overrides) = try ConfigurationValues.parse(settings)
    if ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_SIZE"] == nil, launch.ranks != 1 {
      var launch = launch
      if !launch.isWanted { launch.ranks = 2 }
      try Launcher.run(
        launch.command(
          threads: RunOptions.threads(overrides), arguments: ["demo"] + settings,
          terminal: terminal))
    }
    try Job.run { job in try Self.run(overrides, job) }
  }

  private static func run(
    _ overrides: [(key: String, value: String)], _ job: borrowing Job
  ) throws {
    var all: [(key: String, value: String)] = [
      ("model_name_or_path", folder + "/model"),
      ("dataset_path", folder + "/questions.json"), ("output_dir", "runs/demo"),
      ("overwrite_output_dir", "true"), ("prompt_template", "open"), ("score", "option"),
      ("loss_on", "completion"), ("train_ratio", "0.7"), ("val_ratio", "0.1"),
      ("test_ratio", "0.2"), ("num_train_epochs", "4"), ("learning_rate", "4e-3"),
      ("per_device_train_batch_size", "8"), ("gradient_accumulation_steps", "2"),
      ("warmup_steps", "10"), ("logging_steps", "25"),
    ]
    all += overrides
    let configuration = try RunOptions.resolve(job, file: nil, overrides: all)
    let start = ContinuousClock.now
    let score = try TrainingRun<RunInputs>.run(configuration, job)
    let seconds = (ContinuousClock.now - start).components.seconds
    job.note("\nresuming   from the earlier checkpoint, to compare the last ones")
    let resumed = try compareResumed(all, configuration, job)
    guard job.ranks.isRoot, let before = score.before else { return }
    let comparison = resumed.map {
      "resume check       from step \($0): the last checkpoint has the same bytes\n"
    }
    let (b, a) = (before.overall, score.result.overall)
    let line =
      "held-out accuracy  \(Console.fixed(100 * b.share, 1)) % before, \(Console.fixed(100 * a.share, 1)) %"
      + " after (\(a.total) questions, chance \(Console.fixed(100 * score.result.chance, 0)) %)"
    Console.result(
      """

      \(line)
      \(comparison ?? "")time               \(seconds) s with scoring
      results            \(configuration.outputPath)
      next               disttrain evaluate \(configuration.outputPath)
      """)
  }
}
