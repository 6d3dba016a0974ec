internal import Model

/// What the data set and its order give away without a model: the rules that find the right option without reading, and
/// what training and held-out questions have in common.
package struct LeakAudit: Sendable {
  /// What a rule scores on some questions.
  package struct Finding: Sendable {
    package let rule: TrivialRule
    /// Over all questions; ties count by their share, so this may not be whole.
    package let correct: Double
    package let total: Int
    /// The same over the held-out questions.
    package let heldOutCorrect: Double
    package let heldOutTotal: Int
    package let chance: Double
    /// The probability to score as much by chance, corrected for the rules that were tried.
    package let pValue: Double

    package var share: Double { total == 0 ? 0 : correct / Double(total) }
    package var beatsChance: Bool { pValue < LeakAudit.significance }
  }
  /// One in a hundred over all rules, which are about ten.
  package static let significance = 0.001

  package let questionCount: Int
  package let optionOrder: OptionOrder
  package let findings: [Finding]
  /// How often each letter is right, by part of the split.
  package let goldPositions: [(part: String, counts: [Int])]
  /// Option texts of the held-out questions, and how many of them also stand in a training question.
  package let heldOutOptions: Int, sharedOptions: Int
  /// Held-out right options that are right in a training question too.
  package let sharedAnswers: Int
  package let nearDuplicates: [NearDuplicates.Pair]

  package init(_ inputs: some TrainingInputs) {
    self.init(
      inputs.dataset, inputs.split, order: inputs.configuration.optionOrder,
      showsLetters: inputs.showsLetters,
      seed: inputs.configuration.seed)
  }

  /// - Parameter showsLetters: Whether the model sees positions at all.
  package init(
    _ dataset: Dataset, _ split: Split, order: OptionOrder, showsLetters: Bool, seed: UInt64
  ) {
    let train = split.train.map { dataset.questions[$0] }
    let heldOut = split.heldOut.map { dataset.questions[$0] }
    questionCount = dataset.questions.count
    optionOrder = order
    let validation = split.validation.map { dataset.questions[$0] }
    goldPositions = [("train", train), ("validation", validation), ("held_out", heldOut)].map {
      ($0, order.goldPositions($1, seed: seed))
    }
    var rules = [TrivialRule.length(longest: true), .length(longest: false), .wordOverlap]
    if showsLetters {
      let counts = order.goldPositions(dataset.questions, seed: seed)
      let best = counts.indices.reduce(0) { counts[$1] > counts[$0] ? $1 : $0 }
      rules.insert(
        .constant(best, of: counts.count) { order.order(of: $0, seed: seed, epoch: nil) }, at: 0)
    }
    findings =
      rules.map { Self.finding($0, dataset.questions, heldOut) }
      + [Self.finding(.rightInTraining(train), heldOut, heldOut)]
    let known = Set(train.flatMap { $0.options.map(\.key) })
    heldOutOptions = heldOut.reduce(0) { $0 + $1.options.count }
    sharedOptions = heldOut.reduce(0) { $0 + $1.options.count { known.contains($0.key) } }
    let answers = Set(train.map { $0.options[$0.answerIndex].key })
    sharedAnswers = heldOut.count { answers.contains($0.options[$0.answerIndex].key) }
    nearDuplicates = NearDuplicates.find(heldOut: heldOut, train: train)
  }

  private static func finding(
    _ rule: TrivialRule, _ questions: [Question], _ heldOut: [Question]
  ) -> Finding {
    let correct = questions.reduce(0.0) { $0 + rule.credit($1) }
    let chances = questions.map { 1 / Double($0.options.count) }
    let p = BinomialTail.atLeast(Int((correct + 1e-9).rounded(.down)), chances: chances)
    return Finding(
      rule: rule, correct: correct, total: questions.count,
      heldOutCorrect: heldOut.reduce(0.0) { $0 + rule.credit($1) }, heldOutTotal: heldOut.count,
      chance: chances.reduce(0, +) / Double(max(1, chances.count)),
      pValue: min(1, p * Double(rule.tries)))
  }

  /// Whether no rule beats chance.
  package var isClean: Bool { !findings.contains(where: \.beatsChance) }

  /// What a person must know before believing a score.
  package var warnings: [String] {
    findings.filter(\.beatsChance).map { finding in
      """
      leak: the rule "\(finding.rule.name)" is right in \(Self.count(finding.correct)) of \
      \(finding.total) questions (\(Console.fixed(100 * finding.share, 1)) %, chance \
      \(Console.fixed(100 * finding.chance, 1)) %), in the held-out ones in \
      \(Self.count(finding.heldOutCorrect)) of \(finding.heldOutTotal): \(finding.rule.meaning). A score \
      on these questions says little about understanding.
      """
    } + duplicateWarnings + smallSampleWarnings
  }

  private var duplicateWarnings: [String] {
    guard let first = nearDuplicates.first else { return [] }
    return [
      """
      \(nearDuplicates.count) held-out question\(nearDuplicates.count == 1 ? " is" : "s are") nearly one \
      that is trained on, such as \(first.heldOut) and \(first.train); the score may be too high
      """
    ]
  }

  /// With few held-out questions one letter may be right in many of them although the order is random.
  private var smallSampleWarnings: [String] {
    guard let counts = goldPositions.last?.counts, let most = counts.max(), isClean else {
      return []
    }
    let total = counts.reduce(0, +)
    guard Double(most) > 2 * Double(total) / Double(counts.count) else { return [] }
    return [
      """
      one letter is right in \(most) of the \(total) held-out questions, by chance: they are too few for a \
      score to mean much. Hold out more.
      """
    ]
  }

  static func count(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15
      ? String(Int(value)) : Console.fixed(value, 1)
  }
}
