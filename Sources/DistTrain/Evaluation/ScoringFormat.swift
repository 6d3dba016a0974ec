internal import Model

/// How a question becomes what is computed for its score.
package struct ScoringFormat: Sendable {
  package let base: ModelFolder
  package var rule: ScoreRule
  package let template: PromptTemplate
  package let order: OptionOrder
  package let seed: UInt64
  package let maximumLength: Int
  package let maximumNewTokens: Int
}
