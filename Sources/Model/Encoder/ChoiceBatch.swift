/// Questions of one forward and backward pass: every option is a sequence, packed one after the other without padding.
package struct ChoiceBatch: Sendable, Equatable {
  /// [tokens], and the kind of segment each is in.
  package private(set) var tokens: [Int32] = [], types: [Int32] = []
  /// Token ranges of the sequences.
  package private(set) var sequences: [Range<Int>] = []
  /// Sequence ranges of the questions.
  package private(set) var questions: [Range<Int>] = []
  /// The right option of each question; nil where it is only to be scored.
  package private(set) var answers: [Int?] = []

  package init() {}

  /// Adds a question whose options are the encoded pairs of it and each option.
  package mutating func append(_ options: [EncodedPair], answer: Int?) {
    precondition(!options.isEmpty, "a question needs options")
    precondition(answer.map(options.indices.contains) ?? true, "the answer is none of the options")
    let first = sequences.count
    for option in options {
      precondition(
        !option.tokens.isEmpty && option.tokens.count == option.types.count,
        "a sequence needs tokens, each with its type")
      sequences.append(tokens.count..<tokens.count + option.tokens.count)
      tokens += option.tokens
      types += option.types
    }
    questions.append(first..<sequences.count)
    answers.append(answer)
  }
}

/// A question and one option as an encoder takes them.
package struct EncodedPair: Sendable, Equatable {
  package let tokens: [Int32]
  /// The kind of segment each token is in.
  package let types: [Int32]

  package init(tokens: [Int32], types: [Int32]) {
    self.tokens = tokens
    self.types = types
  }
}
