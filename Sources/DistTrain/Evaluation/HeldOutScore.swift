internal import Collective
package import Model

/// The held-out questions ready to be scored, with what their score has to be compared with.
struct HeldOutQuestions {
  let items: [ScoringItem]
  /// The same without the question's text; empty where no controls are wanted.
  let optionsOnly: [ScoringItem]

  init(_ inputs: some TrainingInputs) throws {
    let questions = inputs.questions(inputs.split.heldOut)
    items = try questions.map { try inputs.scoringItem($0, hidesQuestion: false) }
    optionsOnly =
      inputs.configuration.scoresControls
      ? try questions.map { try inputs.scoringItem($0, hidesQuestion: true) } : []
  }

  var all: [ScoringItem] { items + optionsOnly }

  /// Scores what was trained, and the controls.
  ///
  /// - Parameter start: Gives what training started from.
  func score<Inputs: TrainingInputs>(
    _ inputs: Inputs, _ learner: Inputs.Model, parameters: borrowing FloatBuffer,
    over ranks: Communicator, start: () throws -> FloatBuffer
  ) throws -> HeldOutScore {
    func result(
      _ items: [ScoringItem], _ parameters: borrowing FloatBuffer
    ) throws -> EvaluationResult {
      try EvaluationResult(
        items, try learner.scores(items, parameters: parameters, over: ranks),
        typeNames: inputs.dataset.typeNames)
    }
    let score = try result(items, parameters)
    guard inputs.configuration.scoresControls else {
      return HeldOutScore(result: score, before: nil, optionsOnly: nil)
    }
    return HeldOutScore(
      result: score, before: try result(items, start()),
      optionsOnly: try result(optionsOnly, parameters))
  }
}

/// A held-out score and its controls.
package struct HeldOutScore: Sendable {
  package let result: EvaluationResult
  /// The score of what training started from.
  package let before: EvaluationResult?
  /// The score with the text of the questions left out, which should be chance.
  package let optionsOnly: EvaluationResult?

  /// results.json
  package func json(_ configuration: RunConfiguration) -> JSONValue {
    guard var object = result.json(configuration).objectValue else { return .null }
    if let before { object["before"] = .object(["metrics": before.metrics]) }
    if let optionsOnly { object["options_only"] = EvaluationResult.tally(optionsOnly.overall) }
    return .object(object)
  }

  /// The score as a person reads it.
  package var summary: String {
    let controls: [(String, EvaluationResult?)] = [
      ("before", before), ("options only", optionsOnly),
    ]
    let lines = controls.compactMap { name, result in
      result.map { EvaluationResult.line(name, $0.overall, notes: false) }
    }
    let text = result.summary("held out").split(separator: "\n").map(String.init)
    return ([text[0]] + lines + text.dropFirst()).joined(separator: "\n")
  }

  /// Said where the options alone are answered better than by chance.
  package var warning: String? {
    guard let optionsOnly else { return nil }
    let tally = optionsOnly.overall
    let chances = optionsOnly.predictions.map { 1 / Double($0.item.order.count) }
    guard BinomialTail.atLeast(tally.correct, chances: chances) < LeakAudit.significance else {
      return nil
    }
    return """
      without the text of the question \(tally.correct) of \(tally.total) answers are right \
      (\(Console.fixed(100 * tally.share, 1)) %, chance \(Console.fixed(100 * optionsOnly.chance, 1)) %): \
      the options alone give the answer away
      """
  }
}
