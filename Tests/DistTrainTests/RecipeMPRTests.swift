import DistTrain
import Foundation
import Model
import TestSupport
import Testing

/// Checks against the published data set and the real Qwen tokenizer, which are not part of the repository:
/// `$DISTTRAIN_DATA/recipe-mpr/500QA.json` and `$DISTTRAIN_TOKENIZERS/qwen2.5`.
private enum Published {
  private static func path(_ variable: String, _ name: String) -> String? {
    ProcessInfo.processInfo.environment[variable].map { $0 + "/" + name }.flatMap {
      FileManager.default.fileExists(atPath: $0) ? $0 : nil
    }
  }
  static var data: String? { path("DISTTRAIN_DATA", "recipe-mpr/500QA.json") }
  static var tokenizer: String? { path("DISTTRAIN_TOKENIZERS", "qwen2.5/tokenizer.json") }
}

@Suite(.enabled(if: Published.data != nil, "DISTTRAIN_DATA has no recipe-mpr"))
struct RecipeMPRTests {
  private static func dataset() throws -> Dataset { try Dataset(path: Published.data ?? "") }

  @Test func `the published data set is read whole`() throws {
    let data = try Self.dataset()
    #expect(data.questions.count == 500)
    #expect(
      data.typeNames == ["Specific", "Commonsense", "Negated", "Analogical", "Temporal"])
    #expect(data.questions.allSatisfy { $0.options.count == 5 && $0.answerIndex == 0 })
    #expect(data.questions.count { $0.types.isEmpty } == 110)
    let counts = data.typeNames.map { name in data.questions.count { $0.types.contains(name) } }
    #expect(counts == [151, 268, 109, 30, 32])
    #expect(data.questions.count { $0.query.first == " " } == 1)
  }

  @Test func `the held-out types are those of the published results`() throws {
    let data = try Self.dataset()
    let heldOut = try Split.seed(500).heldOut.map { data.questions[$0] }
    let counts = data.typeNames.map { name in heldOut.count { $0.types.contains(name) } }
    #expect(counts == [11, 26, 9, 3, 4])
    #expect(heldOut.count { $0.types.isEmpty } == 13)
  }

  @Test func `in file order the audit finds the right option always first`() throws {
    let dataset = try Self.dataset()
    let audit = try LeakAudit(
      dataset, Split.seed(500), order: .dataset, showsLetters: true, seed: 42)
    let first = audit.findings[0]
    #expect(first.rule.name == "always A" && first.correct == 500 && first.total == 500)
    #expect(first.heldOutCorrect == 50 && first.beatsChance && !audit.isClean)
    #expect(
      audit.goldPositions.map { $0.counts } == [
        [400, 0, 0, 0, 0], [50, 0, 0, 0, 0], [50, 0, 0, 0, 0],
      ])
    #expect(audit.warnings.count == 1 && audit.summary.hasPrefix("LEAK: always A 100.0 %"))
    #expect(audit.sharedOptions == 98 && audit.heldOutOptions == 250 && audit.sharedAnswers == 5)
  }

  @Test(arguments: [1, 42, 7, 2024]) func `shuffled, the audit is clean`(seed: UInt64) throws {
    let audit = try LeakAudit(
      Self.dataset(), Split.seed(500), order: .shuffled, showsLetters: true, seed: seed)
    #expect(audit.isClean, "\(audit.warnings)")
    #expect(audit.warnings.isEmpty, "\(audit.warnings)")
    #expect(audit.findings.contains { $0.rule.name == "longest option" && $0.correct > 100 })
  }

  @Test func `the first prompt is the published one`() throws {
    let question = try Self.dataset().questions[0]
    #expect(
      PromptTemplate.plain.prompt(question, order: [0, 1, 2, 3, 4], chat: .qwen25)
        == """
        Given the following recipe question and options, select the best answer.

        Question: I want to make a warm dish containing oysters

        Options:
        A) Simple creamy oyster soup
        B) Seasoned salted crackers shaped like oysters
        C) Creamy clam chowder made with whole milk and baby clams
        D) Tomato mussel soup containing dry white wine
        E) Warm vegetable soup containing tomatoes, peas, corn, carrots, and potatoes

        Answer:
        """)
  }
}

@Suite(
  .enabled(
    if: Published.data != nil && Published.tokenizer != nil,
    "DISTTRAIN_DATA or DISTTRAIN_TOKENIZERS is not set"))
struct RecipeMPRTokenTests {
  private static func read() throws -> (Dataset, Tokenizer) {
    (try Dataset(path: Published.data ?? ""), try Tokenizer(path: Published.tokenizer ?? ""))
  }

  private static func example(
    _ question: Question, _ tokenizer: Tokenizer, order: [Int] = [0, 1, 2, 3, 4],
    template: PromptTemplate = .plain, chat: ChatTemplate = .qwen25
  ) throws -> TokenizedExample {
    try TokenizedExample(
      prompt: template.prompt(question, order: order, chat: chat),
      answer: template.answer(
        question, order: order, position: order.firstIndex(of: question.answerIndex) ?? 0,
        chat: chat), maximumLength: 512, question: question.index, encode: tokenizer.encode)
  }

  @Test func `the first example has the published token ids`() throws {
    let (data, tokenizer) = try Self.read()
    let example = try Self.example(data.questions[0], tokenizer)
    #expect(
      example.tokens == [
        22043, 279, 2701, 11116, 3405, 323, 2606, 11, 3293, 279, 1850, 4226, 382, 14582, 25, 358,
        1366, 311, 1281, 264, 8205, 12000, 8482, 297, 99063, 271, 3798, 510, 32, 8, 8993, 46885,
        297, 21848, 19174, 198, 33, 8, 14263, 291, 12021, 291, 93811, 26271, 1075, 297, 99063, 198,
        34, 8, 29700, 88, 59510, 521, 363, 1107, 1865, 448, 4361, 14074, 323, 8770, 1185, 4122, 198,
        35, 8, 92991, 35141, 301, 19174, 8482, 9058, 4158, 13078, 198, 36, 8, 45763, 35481, 19174,
        8482, 40513, 11, 46036, 11, 13776, 11, 61417, 11, 323, 34167, 271, 16141, 25, 362,
      ])
    #expect(example.promptTokenCount == example.tokens.count - 1)
  }

  @Test func `token counts are those of the published runs`() throws {
    let (data, tokenizer) = try Self.read()
    let examples = try data.questions.map { try Self.example($0, tokenizer) }
    let lengths = examples.map(\.tokens.count)
    #expect(lengths.min() == 68 && lengths.max() == 193 && lengths.reduce(0, +) == 51_624)
    #expect(lengths.sorted()[249] == 102 && lengths.sorted()[250] == 102)
    let split = try Split.seed(500)
    #expect(split.train.reduce(0) { $0 + lengths[$1] } == 41_453)
    #expect(split.validation.reduce(0) { $0 + lengths[$1] } == 5_169)
    #expect(split.heldOut.reduce(0) { $0 + lengths[$1] } == 5_002)
    #expect(examples.allSatisfy { $0.tokens.last == 362 && $0.truncatedTokenCount == 0 })
    #expect(examples.allSatisfy { $0.tokens.count == $0.promptTokenCount + 1 })
  }

  @Test func `letters are one token with and without a space`() throws {
    let (data, tokenizer) = try Self.read()
    let question = data.questions[0]
    for position in 0..<5 {
      for (template, ids) in [
        (PromptTemplate.plain, [362, 425, 356, 422, 468] as [Int32]),
        (.chat, [32, 33, 34, 35, 36]),
      ] {
        let prompt = template.prompt(question, order: [0, 1, 2, 3, 4], chat: .qwen3)
        let whole = tokenizer.encode(prompt + template.letterText(position))
        #expect(whole == tokenizer.encode(prompt) + [ids[position]])
      }
    }
  }

  @Test func `chat texts have the tokens of the models' own templates`() throws {
    let (data, tokenizer) = try Self.read()
    #expect(
      tokenizer.encode(ChatTemplate.qwen25.prompt(user: "Hi")) == [
        151644, 8948, 198, 2610, 525, 1207, 16948, 11, 3465, 553, 54364, 14817, 13, 1446, 525, 264,
        10950, 17847, 13, 151645, 198, 151644, 872, 198, 13048, 151645, 198, 151644, 77091, 198,
      ])
    let chat = try data.questions.map { try Self.example($0, tokenizer, template: .chat) }
    // 222 is the published maximum of the prompt with its generation header and the letter.
    #expect(chat.map(\.promptTokenCount).max().map { $0 + 1 } == 222)
    #expect(chat.allSatisfy { $0.tokens.suffix(3) == [32, 151645, 198] })
    #expect(chat.allSatisfy { $0.tokens.count == $0.promptTokenCount + 3 })
    let thinking = try Self.example(
      data.questions[0], tokenizer, template: .chat, chat: .qwen3)
    if tokenizer.id(of: "<think>") == 151667 {
      #expect(
        thinking.tokens.suffix(10)
          == [151644, 77091, 198, 151667, 271, 151668, 271, 32, 151645, 198])
    }
    #expect(
      thinking.tokens.prefix(thinking.promptTokenCount)
        == tokenizer.encode(
          PromptTemplate.chat.prompt(
            data.questions[0], order: [0, 1, 2, 3, 4], chat: .qwen3))[...])
  }
}
