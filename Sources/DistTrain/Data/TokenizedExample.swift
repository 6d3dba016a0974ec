/// A prompt and its continuation in tokens.
package struct TokenizedExample: Sendable, Equatable {
  package let tokens: [Int32]
  /// Tokens that belong to the prompt; the others are the answer.
  package let promptTokenCount: Int
  /// Prompt tokens that were dropped to keep within the maximum length.
  package let truncatedTokenCount: Int

  /// Encodes prompt and answer together, so that tokens may form across the seam as they would in one text.
  ///
  /// What is too long loses tokens at the prompt's start, never of the answer.
  package init(
    prompt: String, answer: String, maximumLength: Int, question: Int,
    encode: (String) -> [Int32]
  ) throws(DatasetError) {
    let whole = encode(prompt + answer)
    let alone = encode(prompt)
    let shared = zip(whole, alone).prefix { $0 == $1 }.count
    let excess = max(0, whole.count - maximumLength)
    guard shared > excess, whole.count > shared else {
      throw DatasetError(
        description:
          "question \(question): its answer of \(whole.count - shared) tokens does not fit"
          + " max_length \(maximumLength) after a prompt of \(shared)", exitCode: 65)
    }
    tokens = Array(whole.dropFirst(excess))
    promptTokenCount = shared - excess
    truncatedTokenCount = excess
  }
}
