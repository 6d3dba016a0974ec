/// Several runs side by side.
struct ComparisonSection {
  let runs: [RunRecord]

  var markup: Markup {
    "<section><h2>Comparison</h2>\n\(scores)\(leaks)\(types)\(pairs)\(settings)</section>\n"
  }

  private var scores: Markup {
    let rows = runs.enumerated().compactMap { index, run in
      run.score.map {
        IntervalChart.Row(name: run.name, tally: $0.overall, color: index, isOverall: true)
      }
    }
    let missing = runs.filter { $0.score == nil }.map(\.name)
    let note: Markup =
      missing.isEmpty
      ? "" : "<p class=\"note\">No results yet: \(missing.joined(separator: ", ")).</p>\n"
    guard !rows.isEmpty else { return note }
    let chances = Set(runs.compactMap { $0.score?.chance })
    return IntervalChart(rows: rows, chance: chances.count == 1 ? chances.first : nil).markup + note
  }

  /// A score that a leak explains must not stand beside others without saying so.
  private var leaks: Markup {
    runs.filter { $0.audit?.isLeak == true }.map { run -> Markup in
      let rule = run.audit?.rules.filter(\.beatsChance).max { $0.accuracy < $1.accuracy }
      let reason: Markup =
        rule.map {
          """
          : “\($0.name)” is right on \(LeakAudit.count($0.correct)) of \($0.total) without reading a question
          """
        } ?? ""
      return """
        <div class="alarm" role="alert"><h3>The answers of \(run.name) leak</h3>
        <p>Its score says nothing about understanding\(reason).</p></div>

        """
    }.joined("")
  }

  private var types: Markup {
    var names: [String] = []
    for name in runs.flatMap({ $0.score?.byType.filter { $0.tally.total > 0 }.map(\.name) ?? [] })
    where !names.contains(name) { names.append(name) }
    guard !names.isEmpty else { return "" }
    let groups = names.map { name -> Markup in
      let rows = runs.enumerated().compactMap { index, run in
        run.score?.byType.first { $0.name == name && $0.tally.total > 0 }.map {
          IntervalChart.Row(name: run.name, tally: $0.tally, color: index)
        }
      }
      return "<h3>\(name)</h3>\n\(IntervalChart(rows: rows, chance: nil).markup)"
    }
    return "<div class=\"types\">\(groups)</div>\n"
  }

  private var pairs: Markup {
    let pairs = RunComparison.pairs(runs)
    guard !pairs.isEmpty else { return "" }
    let rows = pairs.map { pair -> Markup in
      let caveat: Markup =
        pair.caveat.isEmpty ? "" : "<tr class=\"aside\"><td colspan=\"5\">\(pair.caveat)</td></tr>"
      return """
        <tr class="\(pair.caveat.isEmpty ? "" : "noted")"><th scope="row">\(pair.first.name) – \(pair.second.name)</th><td>\(pair.common)</td>\
        <td>\(pair.test.onlyFirst)</td><td>\(pair.test.onlySecond)</td><td>\(pair.pText)</td></tr>\(caveat)

        """
    }
    let many: Markup =
      pairs.count > 1 ? " The values are not corrected for the number of pairs." : ""
    return """
      <h3>Are the differences more than luck?</h3>
      <div class="wide"><table class="plain"><thead><tr><th scope="col">pair</th><th scope="col">same questions</th>\
      <th scope="col">only the first right</th><th scope="col">only the second right</th>\
      <th scope="col">p</th></tr></thead><tbody>
      \(rows)</tbody></table></div>
      <p class="note">McNemar’s exact test, two-sided.\(many)</p>

      """
  }

  /// Settings in which the runs differ.
  private var settings: Markup {
    let rows = Self.differences(runs).map { name, values -> Markup in
      "<tr><th scope=\"row\">\(name)</th>\(values.map { "<td>\($0)</td>" as Markup })</tr>\n"
    }
    guard !rows.isEmpty else { return "" }
    let heads = runs.map { "<th scope=\"col\">\($0.name)</th>" as Markup }
    return """
      <h3>In what they differ</h3>
      <div class="wide"><table class="plain"><thead><tr><th scope="col">setting</th>\(heads)</tr></thead><tbody>
      \(rows)</tbody></table></div>

      """
  }

  /// Names and values of the settings that are not the same in all runs, but for where they are written to.
  static func differences(_ runs: [RunRecord]) -> [(name: String, values: [String])] {
    var names: [String] = []
    for name in runs.flatMap({ $0.settings.map(\.name) }) where !names.contains(name) {
      names.append(name)
    }
    let own: Set = ["output_dir", "overwrite_output_dir", "resume_from_checkpoint"]
    return names.filter { !own.contains($0) }.compactMap { name in
      let values = runs.map { $0.setting(name) ?? "–" }
      return Set(values).count > 1 ? (name, values) : nil
    }
  }
}
