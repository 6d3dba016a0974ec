import DistTrain
import Model
import TestSupport

/// Questions for tests that need no file.
enum QuestionSamples {
  static func question(
    _ index: Int = 0, options: Int = 5, answer: Int = 0, types: [String] = [],
    query: String = "What is warm?"
  ) -> Question {
    Question(
      index: index, query: query, types: types,
      options: (0..<options).map { .init(identifier: "id\($0)", text: "dish \($0)") },
      answerIndex: answer, explanation: .null)
  }

  /// The inputs of a run with a tiny model and these settings.
  static func inputs(_ tiny: TinyRun, _ settings: [String] = []) throws -> RunInputs {
    try RunInputs(configuration(tiny, settings))
  }

  static func configuration(_ tiny: TinyRun, _ settings: [String] = []) throws -> RunConfiguration {
    let (file, overrides) = try ConfigurationValues.parse(tiny.settings("run", settings))
    return try RunConfiguration(
      ConfigurationValues(file: file, environment: [:], overrides: overrides))
  }
}
