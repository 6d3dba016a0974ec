internal import Model

/// A way to answer without a model: every option gets a number, and the highest is picked.
package struct Baseline: Sendable {
  /// Its name in baselines.json, and in tables.
  package let name: String, title: String
  package let meaning: String
  /// The letter that is always picked, if one is.
  package var constantLetter: String?
  /// What each option gets, in the order of the file.
  package let scores: @Sendable (Question) -> [Double]

  package struct Answer: Sendable, Equatable {
    package let question: Question
    /// Position in the file of the option that is picked.
    package let pick: Int
    /// How many options had the highest number.
    package let candidates: Int
    /// The chance that one of them at random is right.
    package let expected: Double

    package var isCorrect: Bool { pick == question.answerIndex }
  }

  /// Numbers that differ by less than this share of the highest are a tie: rounding must not decide.
  private static let tolerance = 1e-9

  /// Picks the highest; of several the one that stands first in an order of (seed, question), whatever the order of the
  /// file or of the letters is.
  package func answer(_ question: Question, seed: UInt64) -> Answer {
    let scores = scores(question)
    let highest = scores.max() ?? 0
    let limit = highest - Self.tolerance * abs(highest)
    let best = scores.indices.filter { scores[$0] >= limit }
    var random = RandomStream(seed: seed, purpose: .tieBreaking, question.index)
    let order = random.permutation(scores.count)
    return Answer(
      question: question, pick: order.first { best.contains($0) } ?? 0, candidates: best.count,
      expected: best.contains(question.answerIndex) ? 1 / Double(best.count) : 0)
  }
}

extension Baseline {
  /// All of them; what they know is the training questions.
  package static func all(
    train: [Question], order: OptionOrder, seed: UInt64
  ) -> [Baseline] {
    let counts = order.goldPositions(train, seed: seed)
    let best = counts.indices.reduce(0) { counts[$1] > counts[$0] ? $1 : $0 }
    let constant = TrivialRule.constant(best, of: counts.count) {
      order.order(of: $0, seed: seed, epoch: nil)
    }
    let known = OptionCorpus(train.flatMap(\.options))
    return [
      Baseline(name: "random", title: "random", meaning: "any option") {
        $0.options.map { _ in 0 }
      },
      Baseline(
        constant, name: "constant", title: "constant",
        meaning: "always the letter that is right most often in training",
        constantLetter: letter(best)),
      Baseline(
        .length(longest: true), name: "longest_option", title: "longest",
        meaning: "the option with most characters"),
      Baseline(
        .length(longest: false), name: "shortest_option", title: "shortest",
        meaning: "the option with fewest characters"),
      Baseline(
        .wordOverlap, name: "word_overlap", title: "overlap",
        meaning: "the option with most different words of the question"),
      Baseline(name: "bm25", title: "BM25", meaning: "Okapi BM25, k1 1.2, b 0.75") {
        WordRanking($0, known: known).bm25
      },
      Baseline(name: "tf_idf", title: "TF-IDF", meaning: "cosine of TF-IDF vectors") {
        WordRanking($0, known: known).tfIdfCosine
      },
    ]
  }

  /// A rule of the audit as a baseline.
  private init(
    _ rule: TrivialRule, name: String, title: String, meaning: String, constantLetter: String? = nil
  ) {
    self.init(name: name, title: title, meaning: meaning, constantLetter: constantLetter) {
      question in
      let picks = Set(rule.picks(question))
      return question.options.indices.map { picks.contains($0) ? 1 : 0 }
    }
  }
}
