internal import Glibc

/// Cross-entropy over the options of each question, with label smoothing.
///
/// Of a question: (1 - e) (-log p[answer]) + e mean(-log p), p = softmax(logits). Source: Szegedy et al., Rethinking the
/// Inception Architecture, 2016, as transformers' `LabelSmoother` weighs it.
package struct ChoiceLoss: Sendable, Equatable {
  /// e, from 0 to 1.
  package let smoothing: Double

  package init(smoothing: Double = 0) {
    precondition((0...1).contains(smoothing), "label smoothing is a share")
    self.smoothing = smoothing
  }

  /// Returns the sum over questions and overwrites `dLogits` with its gradient; both [sequences, 1].
  package func forwardBackward(
    _ logits: MatrixView, _ batch: ChoiceBatch, into dLogits: MutableMatrixView
  ) -> Double {
    var lossSum = 0.0
    for (options, answer) in zip(batch.questions, batch.answers) {
      guard let answer else { preconditionFailure("a question without an answer has no loss") }
      let share = smoothing / Double(options.count)
      let logSum = Self.logSumExp(logits, options)
      for (index, row) in options.enumerated() {
        let logProbability = Double(logits[row, 0]) - logSum
        let target = share + (index == answer ? 1 - smoothing : 0)
        lossSum -= target * logProbability
        dLogits[row, 0] = Float(exp(logProbability) - target)
      }
    }
    return lossSum
  }

  private static func logSumExp(_ logits: MatrixView, _ rows: Range<Int>) -> Double {
    let values = rows.map { Double(logits[$0, 0]) }
    let largest = values.max() ?? 0
    return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
  }
}
