import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct PromptTemplateTests {
  private static let question = Question(
    index: 0, query: " I'd like soup\t", types: [],
    options: [
      .init(identifier: "a", text: "hot soup"), .init(identifier: "b", text: " cold soup "),
      .init(identifier: "c", text: "salad"),
    ], answerIndex: 1, explanation: .null)

  private static let plain = """
    Given the following recipe question and options, select the best answer.

    Question: I'd like soup

    Options:
    A) salad
    B) hot soup
    C)  cold soup \n
    Answer:
    """

  @Test func `plain strips the query, keeps the options and letters them in the order`() {
    let template = PromptTemplate.plain
    #expect(template.prompt(Self.question, order: [2, 0, 1], chat: .qwen25) == Self.plain)
    #expect(template.answer(Self.question, order: [2, 0, 1], position: 2, chat: .qwen25) == " C")
    #expect(template.letterText(2) == " C")
    #expect(template.optionText(Self.question, 1) == " cold soup")
  }

  @Test func `chat of Qwen2_5 has its system line and ends the answer's turn`() {
    let template = PromptTemplate.chat
    #expect(
      template.prompt(Self.question, order: [2, 0, 1], chat: .qwen25)
        == "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant."
        + "<|im_end|>\n<|im_start|>user\n\(Self.plain)<|im_end|>\n<|im_start|>assistant\n")
    #expect(
      template.answer(Self.question, order: [2, 0, 1], position: 2, chat: .qwen25)
        == "C<|im_end|>\n")
    #expect(template.letterText(2) == "C")
    #expect(template.optionText(Self.question, 1) == "cold soup")
  }

  @Test func `chat of Qwen3 answers after an empty block of thoughts`() {
    let prompt = PromptTemplate.chat.prompt(Self.question, order: [2, 0, 1], chat: .qwen3)
    #expect(
      prompt == "<|im_start|>user\n\(Self.plain)<|im_end|>\n<|im_start|>assistant\n"
        + "<think>\n\n</think>\n\n")
    #expect(
      PromptTemplate.chat.answer(Self.question, order: [2, 0, 1], position: 2, chat: .qwen3)
        == "C<|im_end|>\n")
  }

  @Test func `open asks without options and answers with the option's text`() {
    let template = PromptTemplate.open
    #expect(
      template.prompt(Self.question, order: [2, 0, 1], chat: .qwen25)
        == "Question: I'd like soup\nAnswer:")
    #expect(
      template.answer(Self.question, order: [2, 0, 1], position: 2, chat: .qwen25) == " cold soup")
    #expect(template.optionText(Self.question, 0) == " hot soup")
  }

  @Test func `training and evaluation see the same prompt in every template`() throws {
    let tiny = try TinyRun()
    for settings in [
      ["prompt_template=plain"], ["prompt_template=open", "score=option"],
      ["prompt_template=chat", "max_length=700"],
    ] {
      let inputs = try QuestionSamples.inputs(tiny, settings + ["option_order=shuffled"])
      let example = try #require(inputs.examples([3], epoch: nil).first)
      let item = try ScoringItem(inputs.dataset.questions[3], inputs)
      let prompt = example.tokens.prefix(example.promptTokenCount)
      #expect(item.batch.tokens.starts(with: prompt), "\(settings)")
      #expect(!item.isTruncated && example.truncatedTokenCount == 0)
    }
  }
}

struct ScoringItemTests {
  @Test func `every letter is asked for after the prompt's last token`() throws {
    let inputs = try QuestionSamples.inputs(TinyRun(), ["option_order=shuffled"])
    let question = inputs.dataset.questions[5]
    let item = try ScoringItem(question, inputs)
    #expect(item.batch.sequences.count == 1)
    #expect(Set(item.batch.targetRows) == [item.batch.tokens.count - 1])
    #expect(
      item.batch.targetTokens
        == ["A", "B", "C", "D", "E"].flatMap { inputs.tokenizer.encode(" \($0)") })
    #expect(item.targetCounts == [1, 1, 1, 1, 1])
    #expect(item.order[item.goldPosition] == question.answerIndex)
  }

  @Test func `every option is scored by all of its tokens`() throws {
    let inputs = try QuestionSamples.inputs(TinyRun(), ["score=option", "option_order=shuffled"])
    let question = inputs.dataset.questions[5]
    let item = try ScoringItem(question, inputs)
    #expect(item.batch.sequences.count == 5)
    var targets = item.batch.targetTokens[...]
    for (position, count) in item.targetCounts.enumerated() {
      let text = " " + question.options[item.order[position]].text
      #expect(inputs.tokenizer.decode(Array(targets.prefix(count))) == text)
      targets = targets.dropFirst(count)
    }
    #expect(targets.isEmpty)
  }

  @Test func `a letter of two tokens is refused with what to do`() throws {
    let tiny = try TinyRun()
    let folder = try TemporaryFolder()
    let options = (0..<6).map { "\"k\($0)\": \"dish \($0)\"" }.joined(separator: ", ")
    let items = (0..<10).map {
      "{\"query\": \"q\($0)\", \"query_type\": {}, \"options\": {\(options)}, \"answer\": \"k0\"}"
    }
    let path = try folder.write("[\(items.joined(separator: ","))]", to: "q.json")
    let inputs = try QuestionSamples.inputs(tiny, ["dataset_path=\(path)"])
    let error = #expect(throws: CommandFailure.self) {
      try ScoringItem(inputs.dataset.questions[4], inputs)
    }
    #expect(error?.exitCode == 65)
    #expect(
      error?.description.hasPrefix("question 4: the letter F is not one token after the prompt")
        == true, "\(String(describing: error))")
    #expect(error?.description.contains("use score: option") == true)
  }

  @Test func `a prompt that is too long is scored by its end and counted`() throws {
    let inputs = try QuestionSamples.inputs(TinyRun(), ["max_length=40", "option_order=shuffled"])
    let item = try ScoringItem(inputs.dataset.questions[0], inputs)
    #expect(item.isTruncated)
    #expect(item.batch.tokens.count == 39)
    #expect(inputs.tokenizer.decode(item.batch.tokens).hasSuffix("\nAnswer:"))
  }
}
