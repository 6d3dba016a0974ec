internal import Model

extension ScoringItem {
  /// - Parameter hidesQuestion: Leaves the question's text out, to see what the options alone give away.
  package init(
    _ question: Question, _ format: ScoringFormat, hidesQuestion: Bool = false
  ) throws {
    let shown = hidesQuestion ? question.withoutQuery : question
    let orders = format.order.scoringOrders(of: question, seed: format.seed)
    let builder = RequestBuilder(question: shown, format: format)
    let candidates = try orders.map(builder.candidates)
    var requests: [Request] = []
    switch format.rule {
    case .generated, .logit: break
    case .letter: requests = [try builder.letters(candidates, orders)]
    case .option, .optionPerCharacter:
      requests = builder.texts(candidates, orders)
    case .optionMinusUnconditional:
      requests = builder.texts(candidates, orders) + [try builder.unconditional()]
    }
    self.init(
      question: question, rule: format.rule, orders: orders, requests: requests,
      prompts: format.rule == .generated
        ? candidates.map { Array($0[0].tokens.prefix($0[0].promptTokenCount)) } : [],
      isTruncated: candidates.joined().contains { $0.truncatedTokenCount > 0 })
  }
}

/// Makes the forward passes of one question; what several scorings have in common is computed once.
private struct RequestBuilder {
  let question: Question
  let format: ScoringFormat

  private var template: PromptTemplate { format.template }

  private func example(_ prompt: String, _ answer: String) throws -> TokenizedExample {
    try TokenizedExample(
      prompt: prompt, answer: answer, maximumLength: format.maximumLength,
      question: question.index, encode: format.base.tokenizer.encode)
  }

  /// The prompt of one order with each letter, or with the text of each option.
  func candidates(_ order: [Int]) throws -> [TokenizedExample] {
    let prompt = template.prompt(question, order: order, chat: format.base.chatTemplate)
    return try order.indices.map { position in
      try example(
        prompt,
        format.rule.readsTexts
          ? template.optionText(question, order[position]) : template.letterText(position))
    }
  }

  /// Every letter asked for after the last token of every order's prompt.
  func letters(
    _ candidates: [[TokenizedExample]], _ orders: [[Int]]
  ) throws -> ScoringItem.Request {
    let prompts = candidates.map { Array($0[0].tokens.dropLast()) }
    let shared = prompts.count == 1 ? 0 : Self.sharedCount(prompts)
    var batch = shared > 0 ? MicroBatch(sharing: Array(prompts[0].prefix(shared))) : MicroBatch()
    var terms: [ScoringItem.Term] = []
    for (rotation, (prompt, letters)) in zip(prompts, candidates).enumerated() {
      batch.append(Array(prompt.dropFirst(shared)))
      for (position, candidate) in letters.enumerated() {
        guard candidate.tokens.dropLast() == prompt[...], let token = candidate.tokens.last,
          candidate.tokens.count == candidate.promptTokenCount + 1
        else {
          throw CommandFailure(
            "question \(question.index): the letter \(letter(position)) is not one token after the"
              + " prompt in this tokenizer, so letters cannot be compared; use score: option",
            exitCode: 65)
        }
        batch.addTarget(token, afterRow: batch.tokens.count - 1)
        terms.append(
          ScoringItem.Term(option: orders[rotation][position], rotation: rotation, targetCount: 1))
      }
    }
    return ScoringItem.Request(batch: batch, terms: terms)
  }

  /// The text of every option after the prompt of every order, which is computed once for all of them.
  func texts(_ candidates: [[TokenizedExample]], _ orders: [[Int]]) -> [ScoringItem.Request] {
    candidates.enumerated().map { rotation, texts in
      branched(texts) { position, count in
        ScoringItem.Term(
          option: orders[rotation][position], rotation: rotation, targetCount: count)
      }
    }
  }

  /// The text of every option after "Answer:" alone.
  func unconditional() throws -> ScoringItem.Request {
    let prompt = template.promptAlone(chat: format.base.chatTemplate)
    let texts = try question.options.indices.map {
      try example(prompt, template.optionText(question, $0))
    }
    return branched(texts) { option, count in
      ScoringItem.Term(option: option, rotation: nil, targetCount: count)
    }
  }

  /// Texts of which each is scored by its tokens after its prompt; tokens that all begin with are computed once.
  private func branched(
    _ texts: [TokenizedExample], term: (_ index: Int, _ targetCount: Int) -> ScoringItem.Term
  ) -> ScoringItem.Request {
    let shared = min(
      Self.sharedCount(texts.map(\.tokens)), texts.map(\.promptTokenCount).min() ?? 0)
    var batch =
      shared > 0 ? MicroBatch(sharing: Array(texts[0].tokens.prefix(shared))) : MicroBatch()
    var terms: [ScoringItem.Term] = []
    for (index, text) in texts.enumerated() {
      let start = batch.tokens.count
      batch.append(Array(text.tokens.dropFirst(shared)))
      let targets = max(1, text.promptTokenCount)..<text.tokens.count
      for target in targets {
        let row = target - 1 < shared ? target - 1 : start + target - 1 - shared
        batch.addTarget(text.tokens[target], afterRow: row)
      }
      terms.append(term(index, targets.count))
    }
    return ScoringItem.Request(batch: batch, terms: terms)
  }

  /// Tokens that all lists begin with, leaving each at least one of its own.
  private static func sharedCount(_ lists: [[Int32]]) -> Int {
    guard let first = lists.first else { return 0 }
    return lists.reduce(first.count) { count, list in
      min(zip(first, list).prefix(count).prefix { $0 == $1 }.count, list.count - 1)
    }
  }
}

extension Question {
  fileprivate var withoutQuery: Question {
    Question(
      index: index, query: "", types: types, options: options, answerIndex: answerIndex,
      explanation: explanation)
  }
}
