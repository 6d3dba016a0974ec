package import Model

/// What answers without a model score on the held-out questions of a split, or of every fold.
package struct BaselineRun: Sendable {
  /// One baseline on all held-out questions.
  package struct Score: Sendable {
    package let name: String, title: String, meaning: String
    /// The letter that it always picks, part by part; empty where it does not.
    package let letters: [String]
    package let answers: [Baseline.Answer]
    package let scores: FoldScores

    /// What it would score on average over all ways to break ties.
    package var expected: Double {
      answers.isEmpty ? 0 : answers.reduce(0) { $0 + $1.expected } / Double(answers.count)
    }

    package var tieCount: Int { answers.count { $0.candidates > 1 } }
  }
  package static let corpus =
    "a document is an option text, each text once: those of the training questions and the question's own"

  let configuration: RunConfiguration
  let dataset: Dataset
  /// One part, or one for each fold.
  package let splits: [Split]
  package let scores: [Score]

  /// Reads the data set and its split and answers; no model is read.
  package init(_ configuration: RunConfiguration) throws {
    self.configuration = configuration
    dataset = try Dataset(path: configuration.datasetPath)
    splits = try Self.splits(configuration, count: dataset.questions.count)
    let questions = dataset.questions
    let byPart = splits.map { split in
      Baseline.all(
        train: split.train.map { questions[$0] }, order: configuration.optionOrder,
        seed: configuration.seed)
    }
    scores = (byPart.first ?? []).indices.map { [splits, dataset] index in
      let parts = zip(splits, byPart).map { split, baselines in
        split.heldOut.map {
          baselines[index].answer(questions[$0], seed: configuration.seed)
        }
      }
      return Self.score(byPart.map { $0[index] }, parts, dataset.typeNames)
    }
  }

  package var isCrossValidated: Bool { configuration.folds != nil }

  private static func splits(_ configuration: RunConfiguration, count: Int) throws -> [Split] {
    guard let folds = configuration.folds else {
      return [try RunInputs.split(configuration, count: count)]
    }
    return try (0..<Fold.count(folds, questions: count)).map { index in
      let own = try configuration.changing(
        ["split": "\(Fold.prefix)\(index):\(folds)", "folds": "none"], source: "folds")
      return try RunInputs.split(own, count: count)
    }
  }

  private static func score(
    _ baselines: [Baseline], _ parts: [[Baseline.Answer]], _ typeNames: [String]
  ) -> Score {
    let outcomes = parts.enumerated().map { index, answers in
      FoldOutcome(
        index: index,
        predictions: .array(
          answers.map { answer in
            .object([
              "is_correct": .bool(answer.isCorrect),
              "query_types": .array(answer.question.types.map(JSONValue.string)),
            ])
          }))
    }
    return Score(
      name: baselines[0].name, title: baselines[0].title, meaning: baselines[0].meaning,
      letters: baselines.compactMap(\.constantLetter), answers: parts.flatMap(\.self),
      scores: FoldScores(outcomes, typeNames: typeNames))
  }
}

extension BaselineRun {
  /// baselines.json
  package func json(datasetDigest: String) -> JSONValue {
    let parts = splits.enumerated().flatMap { index, split in split.heldOut.map { (index, $0) } }
    return .object([
      "program": .string("disttrain \(DistTrain.version)"),
      "dataset": .string(configuration.datasetPath), "dataset_sha256": .string(datasetDigest),
      "split": .string(configuration.split),
      "folds": configuration.folds.map { .string($0) } ?? .null,
      "seed": .integer(Int(truncatingIfNeeded: configuration.seed)),
      "option_order": .string(configuration.optionOrder.rawValue),
      "corpus": .string(Self.corpus),
      "questions": .array(parts.map { question($1, fold: isCrossValidated ? $0 : nil) }),
      "baselines": .array(scores.map(baseline)),
    ])
  }

  /// A held-out question with its options in the order of the file.
  private func question(_ index: Int, fold: Int?) -> JSONValue {
    let question = dataset.questions[index]
    return .object([
      "index": .integer(index), "fold": fold.map { .integer($0) } ?? .null,
      "question": .string(question.query),
      "choices": .array(question.options.map { .string($0.text) }),
      "correct_idx": .integer(question.answerIndex),
      "query_types": .array(question.types.map(JSONValue.string)),
    ])
  }

  private func baseline(_ score: Score) -> JSONValue {
    var metrics = isCrossValidated ? score.scores.foldMetrics : [:]
    let pooled = score.scores.pooledMetrics
    for (key, value) in zip(pooled.keys, pooled.values) { metrics[key] = value }
    metrics["expected_accuracy"] = .double(100 * score.expected)
    metrics["ties"] = .integer(score.tieCount)
    return .object([
      "baseline": .string(score.name), "title": .string(score.title),
      "explanation": .string(score.meaning),
      "letters": score.letters.isEmpty ? .null : .array(score.letters.map(JSONValue.string)),
      "folds": isCrossValidated ? score.scores.foldsJSON : .null, "metrics": .object(metrics),
      "picks": .array(score.answers.map { .integer($0.pick) }),
    ])
  }
}
