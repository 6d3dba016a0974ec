/// The table in a terminal, within 80 columns: of each run a line of figures and lines with what it was.
extension RunTable {
  private static let width = 80, nameWidth = 22

  package var text: String {
    let published =
      ["", "  published for Recipe-MPR, not measured here"] + published.flatMap(lines)
    let simple =
      baselines.isEmpty ? [] : ["", "  without a model" + scope] + baselines.map(Self.figures)
    let notes = notes.flatMap { [""] + FindingPrinter.wrapped($0, width: Self.width - 2) }
    return
      ([Self.line("", ["accuracy", "95 % interval", "n", "p"])] + runs.flatMap(lines) + simple
      + published + notes.map { $0.isEmpty ? "" : "  " + $0 }).joined(separator: "\n")
  }

  /// A name that is too long stands on a line of its own.
  private static func line(_ name: String, _ cells: [String]) -> String {
    let isLong = name.count > nameWidth
    let start = isLong ? "" : name
    let figures = zip(cells, [14, 16, 7, 17]).map { Console.padded($0, $1) }.joined()
    let filled = start + String(repeating: " ", count: nameWidth - start.count)
    return (isLong ? "  \(name)\n" : "") + "  " + filled + figures
  }

  private var scope: String { baselines.first.map { ", " + $0.entry.heldOutText } ?? "" }

  private static func figures(_ row: Row) -> String {
    guard let score = row.entry.run.score else { return line(row.name, [row.entry.accuracyText]) }
    let interval = NumberText.interval(score.overall.interval)
    return line(
      row.name,
      [row.entry.accuracyText, interval, "\(score.overall.total)", row.standing.text])
  }

  private func lines(_ row: Row) -> [String] { [Self.figures(row)] + Self.details(row.entry) }

  private static func details(_ entry: ComparedRun) -> [String] {
    let parts = [
      entry.model, entry.parameters.map { "\(ComparedRun.size($0)) parameters" },
      entry.trainableText, entry.protocolText,
      entry.trainingSeconds.map { "trained \(MetricsLog.clock($0))" }, entry.hardware,
    ].compactMap(\.self).filter { !$0.isEmpty }
    return indented(parts.joined(separator: ", "))
  }

  private func lines(_ row: Published) -> [String] {
    let result = row.result
    return [Self.line(result.model, [result.accuracy, "published", "", row.shortText])]
      + Self.indented("\(result.parameters), \(result.protocolText), trained \(result.time)")
      + (row.here.isEmpty ? [] : Self.indented(row.hereText))
  }

  private static func indented(_ text: String) -> [String] {
    FindingPrinter.wrapped(text, width: width - 4).map { "    " + $0 }
  }
}

extension RunTable.Published {
  fileprivate var shortText: String { here.isEmpty ? "not run here" : "run here" }
}
