internal import Model

/// A way to pick an option that needs no understanding.
package struct TrivialRule: Sendable {
  package let name: String
  /// Why it must not work, for the warning.
  let meaning: String
  /// How many rules of its kind were tried to find it; its significance is corrected for them.
  var tries = 1
  /// The positions in the file that it would pick among, with equal chances; empty for any.
  let picks: @Sendable (Question) -> [Int]

  /// The share of the picks that is right.
  func credit(_ question: Question) -> Double {
    let picks = picks(question)
    let candidates = picks.isEmpty ? Array(question.options.indices) : picks
    return candidates.contains(question.answerIndex) ? 1 / Double(candidates.count) : 0
  }

  /// Always the same letter.
  static func constant(
    _ position: Int, of letters: Int, order: @escaping @Sendable (Question) -> [Int]
  ) -> TrivialRule {
    TrivialRule(
      name: "always \(letter(position))",
      meaning: "the position of the right option gives it away; use option_order=shuffled",
      tries: letters
    ) { question in
      let order = order(question)
      return position < order.count ? [order[position]] : []
    }
  }

  /// The longest, or the shortest, text.
  static func length(longest: Bool) -> TrivialRule {
    TrivialRule(
      name: longest ? "longest option" : "shortest option",
      meaning: "the right options differ in length from the others"
    ) { question in
      extremes(question) { Double(longest ? $0.length : -$0.length) }
    }
  }

  /// The option that has most words of the question.
  static let wordOverlap = TrivialRule(
    name: "most words of the question",
    meaning: "the right options repeat the words of their questions"
  ) { question in
    let words = Set(Words.of(question.query))
    return extremes(question) { Double(Set(Words.of($0.text)).intersection(words).count) }
  }

  /// The option that has been right most often in the training split.
  static func rightInTraining(_ questions: [Question]) -> TrivialRule {
    var counts: [String: Int] = [:]
    for question in questions {
      counts[question.options[question.answerIndex].key, default: 0] += 1
    }
    return TrivialRule(
      name: "right in training",
      meaning: "right options are right again in other questions; split by option"
    ) { [counts] question in extremes(question) { Double(counts[$0.key] ?? 0) } }
  }

  /// The options for which `value` is largest.
  private static func extremes(
    _ question: Question, _ value: (Question.Option) -> Double
  ) -> [Int] {
    let values = question.options.map(value)
    let largest = values.max() ?? 0
    return values.indices.filter { values[$0] == largest }
  }
}

/// Texts as words.
enum Words {
  /// Letters and digits in lower case, in order.
  static func of(_ text: String) -> [String] {
    text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
  }
}

extension Question.Option {
  /// What makes it the same text elsewhere.
  var key: String { QuestionReader.trimmed(text).lowercased() }
}
