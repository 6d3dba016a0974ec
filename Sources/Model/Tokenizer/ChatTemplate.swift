/// One question and one answer in the chat format of a model family.
package enum ChatTemplate: String, Sendable {
  /// ChatML with Qwen2.5's system line.
  case qwen25
  /// ChatML without a system line; the answer follows an empty block of thoughts.
  case qwen3

  /// The text up to where the model answers.
  package func prompt(user: String) -> String {
    let system =
      self == .qwen25
      ? "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
      : ""
    let thoughts = self == .qwen3 ? "<think>\n\n</think>\n\n" : ""
    return system + "<|im_start|>user\n\(user)<|im_end|>\n<|im_start|>assistant\n" + thoughts
  }

  /// What ends the answer's turn.
  package var answerSuffix: String { "<|im_end|>\n" }
}
