package import Model

/// One multiple-choice question of a data set.
package struct Question: Sendable, Equatable {
  /// Position in the data set file.
  package let index: Int
  package let query: String
  /// The labels that are set; a question may have several or none.
  package let types: [String]
  /// (identifier, text) in the order of the file.
  package let options: [Option]
  /// Position of the right option in `options`.
  package let answerIndex: Int
  package let explanation: JSONValue

  package struct Option: Sendable, Equatable {
    package let identifier: String
    package let text: String

    package init(identifier: String, text: String) {
      self.identifier = identifier
      self.text = text
    }
  }

  package init(
    index: Int, query: String, types: [String], options: [Option], answerIndex: Int,
    explanation: JSONValue
  ) {
    precondition(options.indices.contains(answerIndex), "the answer is none of the options")
    self.index = index
    self.query = query
    self.types = types
    self.options = options
    self.answerIndex = answerIndex
    self.explanation = explanation
  }
}
