internal import Collective
internal import Foundation
internal import Logging
package import Model

/// One run for each fold, over parts of the ranks where there are enough, and the score over all of them.
package enum CrossValidation {
  /// Runs `body` for every fold with the configuration of that fold's run.
  ///
  /// Consecutive ranks share a fold; each part of the ranks does its folds one after the other. A fold that fails is
  /// told and does not end the others; a fold that is done is not done again where the run is resumed.
  ///
  /// Communication: the ranks are divided, and the root learns what every part has found.
  package static func run(
    _ configuration: RunConfiguration, _ job: borrowing Job,
    _ body: (RunConfiguration, borrowing Job) throws -> HeldOutScore
  ) throws {
    guard let folds = configuration.folds else { preconditionFailure("no folds are wanted") }
    let (dataset, count) = try job.load {
      let dataset = try Dataset(path: configuration.datasetPath)
      return (dataset, try Fold.count(folds, questions: dataset.questions.count))
    }
    let folder = RunFolder(configuration.outputPath)
    try job.onRoot {
      try folder.make()
      try folder.write(configuration.yaml, to: "config.yaml")
    }
    let partCount = min(count, job.ranks.worldSize)
    let number = job.ranks.rank * partCount / job.ranks.worldSize
    let part = try job.part(number)
    job.note("folds      \(count), \(partCount) at a time")
    var outcomes: [FoldOutcome] = []
    for index in stride(from: number, to: count, by: partCount) {
      let outcome = try outcome(of: index, of: folds, configuration, part, body)
      outcomes.append(outcome)
      if outcome.failure == CommandFailure.stopped { break }
    }
    let own = part.ranks.isRoot ? JSONValue.array(outcomes.map(\.json)).text() : "[]"
    let all = try job.ranks.gather(Array(own.utf8))
    try finish(all, dataset, configuration, folder, job)
  }

  /// The first fold's run, which stands for the others in a measurement; a run without folds stands for itself.
  static func first(of configuration: RunConfiguration) throws -> RunConfiguration {
    guard let folds = configuration.folds else { return configuration }
    return try Self.configuration(of: 0, of: folds, configuration)
  }

  private static func configuration(
    of index: Int, of folds: String, _ configuration: RunConfiguration
  ) throws -> RunConfiguration {
    try configuration.changing(
      [
        "split": "\(Fold.prefix)\(index):\(folds)", "folds": "none",
        "output_dir": "\(configuration.outputPath)/fold-\(index)",
      ], source: "folds")
  }

  private static func outcome(
    of index: Int, of folds: String, _ configuration: RunConfiguration, _ part: borrowing Job,
    _ body: (RunConfiguration, borrowing Job) throws -> HeldOutScore
  ) throws -> FoldOutcome {
    let own = try Self.configuration(of: index, of: folds, configuration)
    let path = own.outputPath
    part.note("\nfold       \(index)")
    if configuration.resumeFrom != nil, let done = try finished(path, part) {
      part.note("done       \(path)")
      return FoldOutcome(index: index, predictions: done)
    }
    do {
      let score = try body(own, part)
      return FoldOutcome(index: index, predictions: score.result.predictionsJSON)
    } catch let failure as ReportedFailure {
      part.log.error("fold \(index) ended with code \(failure.exitCode); see \(path)/logs")
      return FoldOutcome(index: index, failure: failure.exitCode)
    }
  }

  /// What a fold's folder says of a run that has come to its end; nil where it has not.
  private static func finished(_ path: String, _ part: borrowing Job) throws -> JSONValue? {
    var bytes: [UInt8] = []
    try part.onRoot {
      let file = path + "/results.json"
      if FileManager.default.fileExists(atPath: file) { bytes = try InputFile.bytes(file) }
    }
    bytes = try part.ranks.broadcast(bytes)
    return bytes.isEmpty ? nil : try JSONParser.parse(bytes)["predictions"]
  }

  private static func finish(
    _ gathered: [[UInt8]]?, _ dataset: Dataset, _ configuration: RunConfiguration,
    _ folder: RunFolder, _ job: borrowing Job
  ) throws {
    var worst: Int32 = 0
    try job.onRoot {
      let outcomes = try (gathered ?? []).flatMap {
        try (JSONParser.parse($0).arrayValue ?? []).map(FoldOutcome.init)
      }.sorted { $0.index < $1.index }
      worst = outcomes.compactMap(\.failure).max() ?? 0
      let scores = FoldScores(outcomes, typeNames: dataset.typeNames)
      try folder.write(scores.json(configuration).text(indent: 2) + "\n", to: "results.json")
      try folder.write(scores.predictionLines, to: "predictions.jsonl")
      job.result("\n" + scores.summary)
      job.note("results    \(folder.path)/results.json")
      folder.writeReport(job)
    }
    worst = try job.ranks.maximum(worst)
    if worst != 0 { throw ReportedFailure(exitCode: worst) }
  }
}

/// What became of one fold.
package struct FoldOutcome: Sendable, Equatable {
  package let index: Int
  /// As in predictions.jsonl; null after a failure.
  package var predictions: JSONValue = .null
  /// The exit code of a fold that failed.
  package var failure: Int32?

  package init(index: Int, predictions: JSONValue = .null, failure: Int32? = nil) {
    self.index = index
    self.predictions = predictions
    self.failure = failure
  }

  init(_ json: JSONValue) {
    index = json["fold"]?.intValue ?? 0
    predictions = json["predictions"] ?? .null
    failure = json["failure"]?.intValue.map(Int32.init)
  }

  var json: JSONValue {
    .object([
      "fold": .integer(index), "predictions": predictions,
      "failure": failure.map { .integer(Int($0)) } ?? .null,
    ])
  }
}
