/// compare.html, in the style of the report.
extension RunTable {
  package var page: String {
    let body: Markup = """
      \(Report.header("Comparison", subtitle))\(chart)\(table)\(remarks)
      """
    return Report.page(
      "Comparison", source: "the files of the runs alone, but for the published figures", body)
  }

  private var subtitle: [String] {
    func count(_ value: Int, _ noun: String) -> String {
      "\(value) \(noun)\(value == 1 ? "" : "s")"
    }
    return [count(runs.count, "run")]
      + (baselines.isEmpty ? [] : [count(baselines.count, "baseline")])
  }

  private var chart: Markup {
    let rows = runs.map { ($0, 0, true) } + baselines.map { ($0, 5, false) }
    let shown = rows.compactMap { row, color, isRun in
      row.entry.run.score.map {
        IntervalChart.Row(name: row.name, tally: $0.overall, color: color, isOverall: isRun)
      }
    }
    guard !shown.isEmpty else { return "" }
    let chances = Set(runs.compactMap { $0.entry.run.score?.chance.map { ($0 * 1e9).rounded() } })
    let chance = chances.count == 1 ? chances.first.map { $0 / 1e9 } : nil
    let key: Markup =
      chance == nil
      ? "" : "<span class=\"legend\"><span class=\"key chance\">chance</span></span>"
    return """
      <section><h2>Right of all held-out questions</h2>
      <p class="note">In percent, with 95 % intervals; of folds all answers together.\(key)</p>
      \(IntervalChart(rows: shown, chance: chance).markup)</section>

      """
  }

  private var table: Markup {
    let heads = ["model", "accuracy", "p", "parameters", "protocol", "time", "hardware"].map {
      "<th scope=\"col\">\($0)</th>" as Markup
    }
    let simple: Markup =
      baselines.isEmpty ? "" : Self.group("Without a model", baselines.map(Self.line).joined())
    return """
      <section><h2>Table</h2>
      <div class="wide"><table class="plain runs"><thead><tr>\(heads)</tr></thead>
      \(Self.group(nil, runs.map(Self.line).joined()))\(simple)\
      \(Self.group("Published for Recipe-MPR, not measured here", published.map(Self.line).joined(), "published"))\
      </table></div></section>

      """
  }

  private static func group(_ title: String?, _ rows: Markup, _ kind: String = "") -> Markup {
    let head: Markup =
      title.map { "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"7\">\($0)</th></tr>\n" }
      ?? ""
    return "<tbody class=\"\(kind)\">\(head)\(rows)</tbody>\n"
  }

  private static func cell(_ text: String, _ more: String? = nil, _ kind: String = "") -> Markup {
    let small: Markup = more.map { $0.isEmpty ? "" : "<small>\($0)</small>" } ?? ""
    return "<td class=\"\(kind)\">\(text)\(small)</td>"
  }

  private static func line(_ row: Row) -> Markup {
    let entry = row.entry
    let leak: Markup = entry.isLeak ? "<small class=\"leak\">the answers leak</small>" : ""
    let model: Markup = entry.model.map { "<small>\($0)</small>" } ?? ""
    return """
      <tr class="\(entry.isLeak ? "beats" : "")"><th scope="row"><bdi>\(row.name)</bdi>\(model)\(leak)</th>\
      \(cell(entry.accuracyText, entry.intervalText))\(cell(row.standing.text))\
      \(cell(entry.parametersText, entry.trainableText))\(cell(entry.protocolText, nil, "words"))\
      \(cell(entry.timeText))\(cell(entry.hardware ?? "–", nil, "words"))</tr>

      """
  }

  private static func line(_ row: Published) -> Markup {
    let result = row.result
    return """
      <tr><th scope="row">\(result.model)</th>\
      \(cell(result.accuracy, result.isGivenAway ? "published; means nothing" : "published"))\
      \(cell(row.here.isEmpty ? row.hereText : "run here", row.here.joined(separator: ", ")))\
      \(cell(result.parameters))\(cell(result.protocolText, nil, "words"))\
      \(cell(result.time, "published"))\(cell("–", nil, "words"))</tr>

      """
  }

  private var remarks: Markup {
    let items = notes.map { "<p class=\"note\">\($0)</p>\n" as Markup }
    return "<section><h2>How to read it</h2>\n\(items)</section>\n"
  }
}
