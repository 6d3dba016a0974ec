internal import Model

/// What baselines.json says: each baseline as a run with a score and answers.
package struct BaselineFile: Sendable {
  package let path: String
  package let runs: [RunRecord]
  package let datasetDigest: String?
  /// How many of the questions have their right option first in the file.
  package let rightFirst: Int, questionCount: Int

  package init(path: String) throws(CommandFailure) {
    let bytes: [UInt8]
    do { bytes = try InputFile.bytes(path) } catch {
      throw CommandFailure(
        "\(path) \(error.reason); make it with disttrain baselines", exitCode: 66)
    }
    let json: JSONValue
    do { json = try JSONParser.parse(bytes) } catch {
      throw CommandFailure("\(path) is damaged: \(error)", exitCode: 65)
    }
    guard let questions = json["questions"]?.arrayValue, let list = json["baselines"]?.arrayValue
    else {
      throw CommandFailure(
        "\(path) is not what disttrain baselines writes: it has no questions and baselines",
        exitCode: 65)
    }
    self.path = path
    datasetDigest = json["dataset_sha256"]?.stringValue
    questionCount = questions.count
    rightFirst = questions.count { $0["correct_idx"]?.intValue == 0 }
    let order = json["option_order"]?.stringValue
    var runs: [RunRecord] = []
    for baseline in list {
      var run = RunRecord(path: path, name: baseline["title"]?.stringValue ?? "baseline")
      run.score = try Self.score(baseline, questions, path)
      if baseline["baseline"]?.stringValue == "constant", let order {
        run.score?.protocolParts = [("option_order", order)]
      }
      runs.append(run)
    }
    self.runs = runs
  }

  private static func score(
    _ baseline: JSONValue, _ questions: [JSONValue], _ path: String
  ) throws(CommandFailure) -> ScoreRecord {
    let picks = baseline["picks"]?.arrayValue ?? []
    guard picks.count == questions.count else {
      throw CommandFailure(
        "\(path) is damaged: a baseline has \(picks.count) picks of \(questions.count) questions",
        exitCode: 65)
    }
    let predictions = zip(questions, picks).map { question, pick -> JSONValue in
      var object = question.objectValue ?? [:]
      object["predicted_idx"] = pick
      object["is_correct"] = .bool(question["correct_idx"] == pick)
      return .object(object)
    }
    return try ScoreRecord(
      .object([
        "folds": baseline["folds"] ?? .null, "metrics": baseline["metrics"] ?? .null,
        "predictions": .array(predictions),
      ]), path)
  }
}
