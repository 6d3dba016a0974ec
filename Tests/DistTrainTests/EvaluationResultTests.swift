import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct EvaluationResultTests {
  private static func item(
    _ question: Question, order: [Int]? = nil, isTruncated: Bool = false
  ) -> ScoringItem {
    let order = order ?? Array(question.options.indices)
    return ScoringItem(question: question, orders: [order], isTruncated: isTruncated)
  }

  /// Five questions of three types: picks C (right), A (wrong), B (right), D (wrong), A (right).
  private static func result() throws -> EvaluationResult {
    let questions = [
      QuestionSamples.question(0, answer: 2, types: ["Specific", "Negated"]),
      QuestionSamples.question(1, answer: 1, types: ["Specific"]),
      QuestionSamples.question(2, answer: 1),
      QuestionSamples.question(3, answer: 0),
      QuestionSamples.question(4, answer: 0, types: ["Negated"]),
    ]
    let scores: [[Double]] = [
      [-3, -2, -1, -4, -5], [-1, -2, -3, -4, -5], [-9, -1, -9, -9, -9], [-5, -4, -3, -2, -2.5],
      [-0.1, -1, -1, -1, -1],
    ]
    return try EvaluationResult(
      questions.map { item($0) }, scores.map(ScoredItem.init),
      typeNames: ["Specific", "Negated", "Temporal"])
  }

  @Test func `a question counts in every type it has, and apart where it has none`() throws {
    let result = try Self.result()
    #expect(result.overall.correct == 3 && result.overall.total == 5)
    #expect(result.byType.map(\.name) == ["Specific", "Negated", "Temporal", "no label"])
    #expect(result.byType.map(\.tally.correct) == [1, 2, 0, 1])
    #expect(result.byType.map(\.tally.total) == [2, 2, 0, 2])
  }

  @Test func `right and picked letters are counted`() throws {
    let result = try Self.result()
    #expect(result.predictions.map(\.predicted) == [2, 0, 1, 3, 0])
    #expect(result.histograms.gold == [2, 2, 1, 0, 0])
    #expect(result.histograms.predicted == [2, 1, 1, 1, 0])
    #expect(result.constantAnswer.letter == "A" && result.constantAnswer.share == 0.4)
    #expect(abs(result.chance - 0.2) < 1e-15)
  }

  @Test(arguments: [
    ([-1.0, -1, -1, -1, -1], 0), ([-2, -1, -1, -3, -1], 1), ([-5, -5, -5, -5, -4], 4),
    ([0, -0.0, 0, 0, 0], 0),
  ])
  func `equal scores go to the first letter`(scores: [Double], expected: Int) throws {
    let item = Self.item(QuestionSamples.question(answer: 0), order: [4, 3, 2, 1, 0])
    let result = try EvaluationResult([item], [scores].map(ScoredItem.init), typeNames: [])
    #expect(result.predictions[0].predicted == expected)
    #expect(result.predictions[0].isCorrect == (expected == 4), "the right option is lettered E")
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func `a score that is no number is a failure, not a pick`(value: Double) {
    let items = [3, 8].map { Self.item(QuestionSamples.question($0)) }
    let error = #expect(throws: CommandFailure.self) {
      try EvaluationResult(
        items, [[0, 1, 2, 3, 4], [0, 1, value, 3, 4]].map(ScoredItem.init), typeNames: [])
    }
    #expect(error?.exitCode == 70)
    #expect(error?.description.hasPrefix("question 8: a score is not a finite number") == true)
  }

  @Test func `chance and letters follow the number of options`() throws {
    let items = [2, 4].map { Self.item(QuestionSamples.question(options: $0, answer: 1)) }
    let result = try EvaluationResult(
      items, [[0, 1], [0, 1, 2, 3]].map(ScoredItem.init), typeNames: [])
    #expect(abs(result.chance - 0.375) < 1e-15)
    #expect(result.histograms.gold == [0, 2, 0, 0])
    #expect(result.histograms.predicted == [0, 1, 0, 1])
  }

  @Test func `nothing scored is zero of zero`() throws {
    let result = try EvaluationResult([], [], typeNames: ["Specific"])
    #expect(result.overall.correct == 0 && result.overall.total == 0)
    #expect(result.constantAnswer.share == 0 && result.chance == 0)
    #expect(result.summary("held out").contains("n = 0"))
  }

  @Test func `results_json has the published keys and values`() throws {
    let configuration = try QuestionSamples.configuration(TinyRun())
    let json = try Self.result().json(configuration)
    let metrics = try #require(json["metrics"]?.objectValue)
    for key in [
      "overall_accuracy", "correct", "total", "query_type_accuracy", "query_type_counts",
    ] { #expect(metrics.keys.contains(key), "\(key)") }
    #expect(metrics["overall_accuracy"] == .double(60))
    #expect(metrics["correct"] == .integer(3) && metrics["total"] == .integer(5))
    #expect(
      metrics["query_type_accuracy"]
        == .object([
          "Specific": .double(50), "Negated": .double(100), "Temporal": .null,
          "no label": .double(50),
        ]))
    #expect(
      metrics["query_type_counts"]
        == .object([
          "Specific": .integer(2), "Negated": .integer(2), "Temporal": .integer(0),
          "no label": .integer(2),
        ]))
    #expect(
      metrics["gold_letters"]?.objectValue?.keys == ["A", "B", "C", "D", "E"])
    #expect(try JSONParser.parse(json.text(indent: 2)) == json)
  }

  @Test func `a prediction has the published keys in the order of the letters`() throws {
    let question = Question(
      index: 11, query: " Soup? ", types: ["Negated"],
      options: [
        .init(identifier: "a", text: "soup"), .init(identifier: "b", text: "ice"),
        .init(identifier: "c", text: "tea"),
      ], answerIndex: 0, explanation: .object(["Soup": .string("soup")]))
    let result = try EvaluationResult(
      [Self.item(question, order: [2, 0, 1])], [[-2, -3, -1]].map(ScoredItem.init),
      typeNames: ["Negated"])
    let lines = result.predictionLines.split(separator: "\n")
    #expect(lines.count == 1)
    let json = try JSONParser.parse(String(lines[0]))
    for (key, value) in [
      ("question", .string(" Soup? ")),
      ("choices", .array([.string("tea"), .string("soup"), .string("ice")])),
      ("correct_idx", .integer(1)), ("correct_letter", .string("B")),
      ("predicted_idx", .integer(2)), ("predicted_letter", .string("C")),
      ("generated_text", .null), ("is_correct", .bool(false)),
      ("query_types", .array([.string("Negated")])),
      ("correctness_explanation", .object(["Soup": .string("soup")])),
    ] as [(String, JSONValue)] {
      #expect(json[key] == value, "\(key)")
    }
    #expect(json["scores"] == .array([.double(-2), .double(-3), .double(-1)]))
  }

  @Test func `truncated questions are told`() throws {
    let configuration = try QuestionSamples.configuration(TinyRun())
    let items = [true, false, true].map {
      Self.item(QuestionSamples.question(), isTruncated: $0)
    }
    let scores = items.map { _ in [0.0, 1, 2, 3, 4] }
    let result = try EvaluationResult(items, scores.map(ScoredItem.init), typeNames: [])
    #expect(result.json(configuration)["metrics"]?["truncated_questions"] == .integer(2))
    #expect(result.summary("held out").contains("2 truncated to max_length"))
    #expect(try !Self.result().summary("held out").contains("truncated"))
  }

  @Test func `the summary never shows a score without its n, interval, chance and constant answer`()
    throws
  {
    let summary = try Self.result().summary("held out")
    let lines = summary.split(separator: "\n").map(String.init)
    #expect(lines[0].contains("60.0 %") && lines[0].contains("n =   5"))
    #expect(lines[0].contains("95 % interval 23.1-88.2"))
    #expect(summary.contains("chance 20.0 %, always A 40.0 %"))
    #expect(lines.contains { $0.contains("Temporal") && $0.contains("n = 0") })
    #expect(lines.allSatisfy { $0.count <= 80 })
  }
}
