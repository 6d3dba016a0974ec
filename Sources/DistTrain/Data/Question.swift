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
  }
}
