package import Collective
package import Model

/// Scores of questions and losses of texts, shared out over the ranks; the result does not depend on their number.
package struct Evaluator: ~Copyable {
  private let model: QwenModel
  private let tokenizer: Tokenizer
  private let decoding: GreedyDecoding
  private let activations: ActivationBuffer
  /// What the largest batch needs.
  let plan: ActivationPlan
  /// Questions whose texts are generated together; from nothing that depends on the ranks.
  private static let groupSize = 4

  /// - Parameter texts: Batches whose mean loss will be asked for.
  package init(
    _ model: QwenModel, _ format: ScoringFormat, fitting items: [ScoringItem],
    texts: [MicroBatch] = []
  ) {
    self.model = model
    tokenizer = format.base.tokenizer
    decoding = GreedyDecoding(
      model, stops: format.base.stopTokens, maximumNewTokens: format.maximumNewTokens)
    plan = Self.plan(format, fitting: items, texts: texts)
    activations = ActivationBuffer(plan, for: model)
  }

  /// What the activations of scoring need.
  package static func plan(
    _ format: ScoringFormat, fitting items: [ScoringItem], texts: [MicroBatch] = []
  ) -> ActivationPlan {
    let batches = items.flatMap { $0.requests.map(\.batch) } + texts
    let plan = ActivationPlan(fitting: batches, keepsForBackward: false)
    let groups = groups(items)
    guard !groups.isEmpty else { return plan }
    return plan.union(
      GreedyDecoding.plan(groups, maximumNewTokens: format.maximumNewTokens))
  }

  /// All prompts in groups.
  private static func groups(_ items: [ScoringItem]) -> [[[Int32]]] {
    let prompts = items.flatMap(\.prompts)
    return stride(from: 0, to: prompts.count, by: groupSize).map {
      Array(prompts[$0..<min($0 + groupSize, prompts.count)])
    }
  }

  /// Sums of log-probabilities of each batch's groups of targets.
  private func sums(
    _ title: String, _ batches: [MicroBatch], counts: [[Int]], adapter: borrowing FloatBuffer,
    over ranks: Communicator
  ) throws -> [[Double]] {
    try sharedValues(
      title, costs: batches.map(\.tokens.count), counts: counts.map(\.count), over: ranks
    ) { index in
      var logs = model.logProbabilities(batches[index], adapter: adapter, activations)[...]
      return counts[index].map { count in
        defer { logs = logs.dropFirst(count) }
        return logs.prefix(count).reduce(0.0) { $0 + Double($1) }
      }
    }
  }

  /// What every question's options are compared by.
  package func scores(
    _ items: [ScoringItem], adapter: borrowing FloatBuffer, over ranks: Communicator
  ) throws -> [ScoredItem] {
    let requests = items.flatMap(\.requests)
    var sums = try sums(
      "scoring", requests.map(\.batch), counts: requests.map { $0.terms.map(\.targetCount) },
      adapter: adapter, over: ranks)[...]
    var texts = try generatedTexts(items, adapter: adapter, over: ranks)[...]
    return items.map { item in
      defer {
        sums = sums.dropFirst(item.requests.count)
        texts = texts.dropFirst(item.prompts.count)
      }
      return item.rule == .generated
        ? item.scored(generated: Array(texts.prefix(item.prompts.count)))
        : item.scored(sums: sums.prefix(item.requests.count).flatMap { $0 })
    }
  }

  /// What the model writes after every prompt.
  private func generatedTexts(
    _ items: [ScoringItem], adapter: borrowing FloatBuffer, over ranks: Communicator
  ) throws -> [String] {
    let groups = Self.groups(items)
    let length = decoding.maximumNewTokens
    // Tokens travel counted from 1; 0 is none.
    let tokens = try sharedValues(
      "generating", costs: groups.map { $0.reduce(0) { $0 + $1.count } },
      counts: groups.map { $0.count * length },
      over: ranks
    ) { index in
      decoding.continuations(of: groups[index], adapter: adapter, activations).flatMap { tokens in
        let numbers = tokens.map { Double($0) + 1 }
        return numbers + [Double](repeating: 0, count: length - numbers.count)
      }
    }
    return tokens.flatMap { group in
      stride(from: 0, to: group.count, by: length).map { start in
        tokenizer.decode(group[start..<start + length].filter { $0 > 0 }.map { Int32($0 - 1) })
      }
    }
  }

  /// The mean loss per target over all batches.
  package func meanLoss(
    _ batches: [MicroBatch], adapter: borrowing FloatBuffer, over ranks: Communicator
  ) throws -> Double {
    let total = try sums(
      "validation", batches, counts: batches.map { [$0.targetRows.count] }, adapter: adapter,
      over: ranks
    ).reduce(0.0) { $0 - $1[0] }
    return total / Double(max(1, batches.reduce(0) { $0 + $1.targetRows.count }))
  }
}
