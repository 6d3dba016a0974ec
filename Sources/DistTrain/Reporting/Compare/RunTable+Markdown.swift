/// compare.md
extension RunTable {
  package var markdown: String {
    let rows =
      runs.map(Self.cells) + baselines.map(Self.cells) + published.map(Self.cells)
    let table = Markdown.table(
      [
        "run", "accuracy", "95 % interval", "n", "p", "model", "parameters", "protocol",
        "training time", "hardware",
      ], rows)
    let notes = notes.map { "- \(Markdown.text($0))\n" }.joined()
    return "# Comparison\n\n\(table)\n\(notes)"
  }

  private static func cells(_ row: Row) -> [String] {
    let entry = row.entry
    let parameters = [entry.parametersText, entry.trainableText].compactMap(\.self)
    return [
      row.name, entry.accuracyText, entry.intervalText,
      entry.run.score.map { "\($0.overall.total)" } ?? "", row.standing.text, entry.model ?? "–",
      parameters.joined(separator: ", "), entry.protocolText, entry.timeText,
      entry.hardware ?? "–",
    ].map(Markdown.cell)
  }

  private static func cells(_ row: Published) -> [String] {
    let result = row.result
    return [
      "published", result.accuracy + (result.isGivenAway ? " (means nothing, see below)" : ""),
      "–", "–", row.hereText, result.model, result.parameters, result.protocolText, result.time,
      "–",
    ].map(Markdown.cell)
  }
}
