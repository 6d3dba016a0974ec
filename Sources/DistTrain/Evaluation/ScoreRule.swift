/// By what an option is picked.
package enum ScoreRule: String, Sendable, CaseIterable {
  /// The log-likelihood of its letter.
  case letter
  /// The letter in the text that the model writes by taking the most probable token each time.
  case generated
  /// The log-likelihood of its text: the sum over its tokens.
  case option
  /// The same, divided by the text's characters (Unicode scalars), so that short options have no advantage.
  case optionPerCharacter = "option_per_character"
  /// Minus the log-likelihood of its text after "Answer:" alone, so that common words have no advantage.
  ///
  /// Source: Holtzman et al., Surface form competition, 2021 (domain conditional PMI).
  case optionMinusUnconditional = "option_minus_unconditional"
  /// What an encoder's head gives for it; no setting, since encoders have no other way.
  case logit

  /// What the setting may say.
  package static let allCases: [ScoreRule] = [
    .letter, .generated, .option, .optionPerCharacter, .optionMinusUnconditional,
  ]

  /// Whether the texts of the options are scored, so that letters are not needed.
  package var readsTexts: Bool {
    ![.letter, .generated, .logit].contains(self)
  }
}
