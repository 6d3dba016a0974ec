internal import ArgumentParser
internal import Model

/// disttrain baselines
struct BaselinesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "baselines",
    abstract: "Scores answers without a model on a run's held-out questions.",
    usage: "disttrain baselines <recipe> [<settings> ...]",
    discussion: """
      Examples:
        disttrain baselines recipe.yaml
        disttrain baselines recipe.yaml folds=5
        disttrain baselines dataset_path=questions.json output_dir=runs/simple

      Random, constant, longest and shortest option, word overlap, BM25 and TF-IDF,
      on the questions that a run with the same settings would hold out: of its
      split, or with folds of every fold. No model is read. Writes baselines.json
      into output_dir (runs/baselines by default). Formulas are in docs/report.md.
      """)

  @OptionGroup var options: RunOptions

  func run() throws {
    var (file, overrides) = try ConfigurationValues.parse(options.settings)
    // Nothing is computed with it, so the processor needs not have it.
    overrides.append(("precision", "float32"))
    let partial = try PartialConfiguration(
      PartialConfiguration.values(file: file, overrides: overrides))
    guard let dataset = partial.datasetPath else {
      throw CommandFailure("baselines need questions; give dataset_path", exitCode: 78)
    }
    let run = try BaselineRun(partial.configuration)
    let folder = RunFolder(partial.outputPath ?? "runs/baselines")
    try folder.make()
    let json = run.json(datasetDigest: try FileDigest.digest(ofFile: dataset))
    try folder.write(json.text(indent: 2) + "\n", to: "baselines.json")
    Console.result(run.text)
    Console.note("baselines  \(folder.path)/baselines.json")
  }
}
