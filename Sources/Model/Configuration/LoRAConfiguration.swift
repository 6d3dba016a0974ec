/// What kind of adapter is trained: y = W x + (alpha / rank) B A dropout(x).
package struct LoRAConfiguration: Sendable, Equatable {
  package var rank: Int
  package var alpha: Float
  /// Share of A's inputs that training sets to zero, 0..<1.
  package var dropout: Float
  package var targets: [Projection]

  package init(rank: Int, alpha: Float, dropout: Float, targets: [Projection]) {
    precondition(rank > 0 && dropout >= 0 && dropout < 1, "impossible adapter configuration")
    self.rank = rank
    self.alpha = alpha
    self.dropout = dropout
    self.targets = Projection.allCases.filter(targets.contains)
  }

  package var scaling: Float { alpha / Float(rank) }
}
