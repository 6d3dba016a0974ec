package import Model

/// How a question becomes text.
package enum PromptTemplate: String, Sendable, CaseIterable {
  /// The published runs' plain text; the answer is " A".
  case plain
  /// The same inside one turn of the model's chat format; the answer is "A" and the end of the turn.
  case chat
  /// The question alone; the answer is the option's text.
  case open

  /// The text before the answer; `order` gives the letters, as `OptionOrder` made it.
  package func prompt(_ question: Question, order: [Int], chat: ChatTemplate) -> String {
    let query = QuestionReader.trimmed(question.query)
    if self == .open { return "Question: \(query)\nAnswer:" }
    var text = "Given the following recipe question and options, select the best answer.\n\n"
    text += "Question: \(query)\n\nOptions:\n"
    for (position, option) in order.enumerated() {
      text += "\(letter(position))) \(question.options[option].text)\n"
    }
    return self == .chat ? chat.prompt(user: text + "\nAnswer:") : text + "\nAnswer:"
  }

  /// The text before an option's likelihood without its question.
  package func promptAlone(chat: ChatTemplate) -> String {
    self == .chat ? chat.prompt(user: "Answer:") : "Answer:"
  }

  /// What training adds for the option at `position` of the order.
  package func answer(
    _ question: Question, order: [Int], position: Int, chat: ChatTemplate
  ) -> String {
    switch self {
    case .plain: " " + letter(position)
    case .chat: letter(position) + chat.answerSuffix
    case .open: optionText(question, order[position])
    }
  }

  /// What is scored as the letter at `position`.
  package func letterText(_ position: Int) -> String {
    self == .chat ? letter(position) : " " + letter(position)
  }

  /// What is scored as the text of an option.
  package func optionText(_ question: Question, _ option: Int) -> String {
    let text = QuestionReader.trimmed(question.options[option].text)
    return self == .chat ? text : " " + text
  }
}
