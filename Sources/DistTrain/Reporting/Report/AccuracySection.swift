/// The held-out accuracy, overall and by type.
struct AccuracySection {
  let score: ScoreRecord

  var markup: Markup {
    var rows = [
      IntervalChart.Row(name: "all questions", tally: score.overall, isOverall: true)
    ]
    rows += score.byType.filter { $0.tally.total > 0 }.map { .init(name: $0.name, tally: $0.tally) }
    let chart = IntervalChart(rows: rows, chance: score.chance, before: score.before)
    let before: Markup =
      score.before == nil ? "" : "<span class=\"key hollow\">before training</span>"
    let absent = score.byType.filter {
      $0.tally.total == 0 && $0.name != EvaluationResult.noLabel
    }.map(\.name)
    let none: Markup =
      absent.isEmpty
      ? ""
      : "<p class=\"note\">No held-out question is of type \(absent.joined(separator: ", ")).</p>\n"
    return """
      <section><h2>Accuracy by type</h2>
      <p class="note">Right of all, in percent, with 95 % intervals. A question counts in every type it has, so rows \
      overlap.<span class="legend"><span class="key chance">chance</span>\(before)</span></p>
      \(chart.markup)\(none)</section>

      """
  }
}
