internal import Foundation

/// The table of a training run: one line per `logging_steps`, and one per validation.
package struct LogTable: Sendable {
  /// Marks whether the loss fell or rose since the line before, on terminals alone.
  private let hasMarks: Bool
  private let isUnicode: Bool
  private let paint: Paint
  package private(set) var lastLoss: Double?
  private let stepWidth: Int
  private let columns: [Column]

  /// What stands behind the loss.
  private enum Column: String, CaseIterable {
    case gradientNorm = "  grad norm"
    case learningRate = "  learning rate"
    case tokensPerSecond = "  tokens/s"
    case remaining = "      left"
  }

  /// A terminal that is too narrow for all columns does without the last ones of these.
  private static let importance: [Column] = [
    .remaining, .tokensPerSecond, .gradientNorm, .learningRate,
  ]

  package init(totalSteps: Int, terminal: Terminal) {
    hasMarks = terminal.style == .tty
    isUnicode = terminal.isUnicode
    paint = Paint(isOn: terminal.isColored)
    stepWidth = max(6, String(totalSteps).count + 1)
    var room = terminal.style == .tty ? terminal.columns - stepWidth - 20 : .max
    let shown = Self.importance.prefix { column in
      room -= column.rawValue.count
      return room >= 0
    }
    columns = Column.allCases.filter(shown.contains)
  }

  package var header: String {
    Console.padded("step", stepWidth) + "   epoch      loss" + (hasMarks ? "  " : "")
      + columns.map(\.rawValue).joined()
  }

  /// A line of the log.
  package struct Row: Sendable {
    package var step: Int, epoch: Double
    package var loss: Double, gradientNorm: Double, learningRate: Double
    package var tokensPerSecond: Double
    /// Seconds to the last step.
    package var remaining: Double?

    package init(
      step: Int, epoch: Double, loss: Double, gradientNorm: Double, learningRate: Double,
      tokensPerSecond: Double, remaining: Double?
    ) {
      self.step = step
      self.epoch = epoch
      self.loss = loss
      self.gradientNorm = gradientNorm
      self.learningRate = learningRate
      self.tokensPerSecond = tokensPerSecond
      self.remaining = remaining
    }
  }

  package mutating func line(_ row: Row) -> String {
    let mark = mark(row.loss)
    lastLoss = row.loss
    return start(row.step, row.epoch, row.loss) + mark
      + columns.map { Self.cell(Self.text($0, row), $0.rawValue.count) }.joined()
  }

  private static func text(_ column: Column, _ row: Row) -> String {
    switch column {
    case .gradientNorm: Console.fixed(row.gradientNorm, 3)
    case .learningRate: String(format: "%.3e", row.learningRate)
    case .tokensPerSecond: Console.fixed(row.tokensPerSecond, 0)
    case .remaining: row.remaining.map(ProgressLine.clock) ?? ""
    }
  }

  /// The validation loss, in the column of the loss, and the accuracy.
  package func validation(
    step: Int, epoch: Double, loss: Double, tally: EvaluationResult.Tally, isBest: Bool
  ) -> String {
    start(step, epoch, loss) + (hasMarks ? "  " : "")
      + "  validation, \(Console.fixed(100 * tally.share, 1)) % of \(tally.total) right"
      + (isBest ? ", the best so far" : "")
  }

  private func start(_ step: Int, _ epoch: Double, _ loss: Double) -> String {
    [(String(step), stepWidth), (Console.fixed(epoch, 2), 8), (Console.fixed(loss, 4), 10)]
      .map(Self.cell).joined()
  }

  /// At least one space stays before every value.
  private static func cell(_ text: String, _ width: Int) -> String {
    " " + Console.padded(text, width - 1)
  }

  private func mark(_ loss: Double) -> String {
    guard hasMarks else { return "" }
    guard let lastLoss, loss != lastLoss else { return "  " }
    let falls = loss < lastLoss
    let sign = isUnicode ? (falls ? "\u{25BC}" : "\u{25B2}") : (falls ? "-" : "+")
    return " " + paint(sign, falls ? .green : .yellow)
  }
}
