internal import Foundation
package import Model

/// One question ready to be scored: its candidates in the order of their letters, and what has to be computed for them.
package struct ScoringItem: Sendable {
  /// Which number a sum of log-probabilities gives.
  package struct Term: Sendable, Equatable {
    /// Position among the file's options.
    package let option: Int
    /// Index into `orders`; nil for the likelihood without the question, which is subtracted in all of them.
    package let rotation: Int?
    /// Targets of the batch that belong to it, after those of the terms before.
    package let targetCount: Int
  }

  /// A forward pass and the terms it gives.
  package struct Request: Sendable {
    package let batch: MicroBatch
    package let terms: [Term]

    /// The sum of each term from the log-probabilities of all targets.
    package func sums(_ logProbabilities: [Float]) -> [Double] {
      var logs = logProbabilities[...]
      return terms.map { term in
        defer { logs = logs.dropFirst(term.targetCount) }
        return logs.prefix(term.targetCount).reduce(0.0) { $0 + Double($1) }
      }
    }
  }

  package let question: Question
  package let rule: ScoreRule
  /// Positions of the file's options in the order of the letters; with all-cyclic every rotation of it, itself first.
  package let orders: [[Int]]
  package let requests: [Request]
  /// Where text is generated, the prompt of each order.
  package let prompts: [[Int32]]
  /// Where an encoder gives logits, what it is given for each option, in the order of the letters.
  package let pairs: [EncodedPair]
  /// Whether the prompt lost tokens to the maximum length.
  package let isTruncated: Bool

  package var order: [Int] { orders[0] }

  /// The letter that is right.
  package var goldPosition: Int { order.firstIndex(of: question.answerIndex) ?? 0 }

  package init(
    question: Question, rule: ScoreRule = .letter, orders: [[Int]], requests: [Request] = [],
    prompts: [[Int32]] = [], pairs: [EncodedPair] = [], isTruncated: Bool
  ) {
    self.question = question
    self.rule = rule
    self.orders = orders
    self.requests = requests
    self.prompts = prompts
    self.pairs = pairs
    self.isTruncated = isTruncated
  }
}

/// What scoring found for one question, in the order of its letters.
package struct ScoredItem: Sendable {
  /// What the options are compared by: the higher, the better.
  package let scores: [Double]
  /// The generated text of each order; empty where none was generated.
  package var generated: [String] = []
  /// False where the generated texts name no letter.
  package var isParsable = true

  package init(scores: [Double]) { self.scores = scores }
}

extension ScoringItem {
  /// From the sums of log-probabilities of all terms, request after request, to one score of each option.
  ///
  /// Over several orders it is the logarithm of the mean probability of the option's letter, or the mean score of its text.
  package func scored(sums: [Double]) -> ScoredItem {
    let terms = requests.flatMap(\.terms)
    var values = [[Double]](
      repeating: [Double](repeating: 0, count: question.options.count), count: orders.count)
    for (term, sum) in zip(terms, sums) {
      let length = Double(max(1, question.options[term.option].length))
      let value = rule == .optionPerCharacter ? sum / length : sum
      if let rotation = term.rotation {
        values[rotation][term.option] += value
      } else {
        for rotation in values.indices { values[rotation][term.option] -= value }
      }
    }
    let scores = order.map { option -> Double in
      guard orders.count > 1 else { return values[0][option] }
      guard rule == .letter else { return Self.mean(values.map { $0[option] }) }
      return log(Self.mean(values.map { softmax($0)[option] }))
    }
    return ScoredItem(scores: scores)
  }

  /// From the generated text of each order to the share of the votes that each option got.
  package func scored(generated: [String]) -> ScoredItem {
    var votes = [Double](repeating: 0, count: question.options.count)
    for (text, order) in zip(generated, orders) {
      guard let position = GeneratedLetter.position(in: text, of: order.count) else { continue }
      votes[order[position]] += 1 / Double(orders.count)
    }
    var result = ScoredItem(scores: order.map { votes[$0] })
    result.generated = generated
    result.isParsable = votes.contains { $0 > 0 }
    return result
  }

  private static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }
}

/// exp(x) over its sum.
package func softmax(_ x: [Double]) -> [Double] {
  let largest = x.max() ?? 0
  let powers = x.map { exp($0 - largest) }
  let sum = powers.reduce(0, +)
  return powers.map { $0 / sum }
}

/// x - log(sum of exp(x)).
func logSoftmax(_ x: [Double]) -> [Double] {
  let largest = x.max() ?? 0
  let logSum = largest + log(x.reduce(0) { $0 + exp($1 - largest) })
  return x.map { $0 - logSum }
}

extension Question.Option {
  /// Characters of its text without outer spaces, as Unicode scalars.
  var length: Int { QuestionReader.trimmed(text).unicodeScalars.count }
}
