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
      let item = try ScoringItem(inputs.dataset.questions[3], inputs.scoring)
      let prompt = example.tokens.prefix(example.promptTokenCount)
      #expect(item.requests[0].batch.tokens.starts(with: prompt), "\(settings)")
      #expect(!item.isTruncated && example.truncatedTokenCount == 0)
    }
  }
}
