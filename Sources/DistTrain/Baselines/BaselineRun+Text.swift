/// The table that the command prints, within 80 columns.
extension BaselineRun {
  private static func percent(_ share: Double) -> String { Console.fixed(100 * share, 1) }

  private static func left(_ text: String, _ width: Int) -> String {
    text.count > width
      ? text.prefix(width - 1) + "…" : text + String(repeating: " ", count: width - text.count)
  }

  package var text: String {
    ([heading, "", scoreHeading] + scores.map(row) + ["", typeHeading] + typeRows + [""] + notes)
      .joined(separator: "\n")
  }

  private var heading: String {
    let heldOut = splits.reduce(0) { $0 + $1.heldOut.count }
    let order = "option_order \(configuration.optionOrder.rawValue)"
    guard isCrossValidated else {
      return "\(heldOut) held-out questions, \(splits[0].train.count) trained on, \(order)"
    }
    return "\(heldOut) questions held out in \(splits.count) folds, \(order)"
  }

  private static func line(_ name: String, _ cells: [String], _ widths: [Int]) -> String {
    "  " + left(name, 10) + zip(cells, widths).map { Console.padded($0, $1) }.joined()
  }

  private var widths: [Int] {
    isCrossValidated ? [7, 7, 8, 12, 15, 7, 11] : [8, 6, 11, 16, 8, 11]
  }

  private var scoreHeading: String {
    let figures = ["accuracy", "95 % interval", "ties", "expected"]
    return Self.line(
      "baseline",
      (isCrossValidated ? ["mean", "pop.sd", "sd"] : ["right", "of"]) + figures, widths)
  }

  private func row(_ score: Score) -> String {
    let tally = score.scores.pooled
    let (low, high) = (tally.interval.low, tally.interval.high)
    let first =
      isCrossValidated
      ? [score.scores.mean, score.scores.populationDeviation, score.scores.sampleDeviation]
        .map(Self.percent) : ["\(tally.correct)", "\(tally.total)"]
    let figures = [
      Self.percent(tally.share) + " %", "\(Self.percent(low))-\(Self.percent(high))",
      "\(score.tieCount)", Self.percent(score.expected) + " %",
    ]
    return Self.line(score.title, first + figures, widths)
  }

  private static func typeLine(_ name: String, _ count: String, _ cells: [String]) -> String {
    "  " + left(name, 11) + Console.padded(count, 4)
      + cells.map { Console.padded($0, 9) }.joined()
  }

  private var typeHeading: String { Self.typeLine("% by type", "n", scores.map(\.title)) }

  private var typeRows: [String] {
    let types = scores.first?.scores.byType ?? []
    return types.indices.filter { types[$0].tally.total > 0 }.map { index in
      Self.typeLine(
        types[index].name, "\(types[index].tally.total)",
        scores.map { Self.percent($0.scores.byType[index].tally.share) })
    }
  }

  private var notes: [String] {
    let constant = scores.filter { !$0.letters.isEmpty }.map {
      "\($0.title): \($0.meaning), \($0.letters.joined(separator: ", "))."
    }
    let general = [
      "Of equal options the first in an order of (seed, question) is picked.",
      "Expected: the mean over all such orders.",
      "Types of fewer than \(EvaluationResult.telling) questions say nothing; a question may have several.",
      "BM25, TF-IDF: a document is an option text, each text once: those of the",
      "questions trained on, and the question's own.",
    ]
    let folds =
      isCrossValidated
      ? ["pop.sd, sd: population and sample standard deviation over the folds."] : []
    return (folds + general + constant).map { "  " + $0 }
  }
}
