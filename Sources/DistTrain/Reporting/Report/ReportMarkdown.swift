internal import Model

/// report.md: the results as tables, for a pull request or a paper's notes.
package struct ReportMarkdown {
  private let runs: [RunRecord]
  /// More rows of a training log are thinned to about this many.
  private static let logRows = 40

  package init(_ runs: [RunRecord]) { self.runs = runs }

  package var text: String {
    let title =
      runs.count == 1
      ? "Results of \(Markdown.text(runs[0].name))" : "Results of \(runs.count) runs"
    let parts = runs.count == 1 ? single(runs[0], level: 2) : comparison + runs.flatMap(named)
    return (["# \(title)\n"] + parts).joined(separator: "\n")
  }

  private func named(_ run: RunRecord) -> [String] {
    ["## \(Markdown.text(run.name))\n"] + single(run, level: 3)
  }

  private func single(_ run: RunRecord, level: Int) -> [String] {
    func section(_ title: String, _ body: String?) -> String? {
      body.map { "\(String(repeating: "#", count: level)) \(title)\n\n\($0)" }
    }
    let parts = [
      verdict(run), section("Folds", folds(run)), section("Audit", audit(run)),
      section("Results per type", types(run)),
      section("Letters", letters(run)), section("Training log", log(run)),
      section("Configuration", configuration(run)), section("Environment", environment(run)),
    ]
    return parts.compactMap(\.self)
  }

  private func verdict(_ run: RunRecord) -> String? {
    guard let score = run.score else { return "No results yet.\n" }
    let tally = score.overall
    let folds = score.folds.map {
      "**\(NumberText.deviating($0))** right on average of \($0.scored.count) folds (± population deviation;"
        + " sample deviation \(NumberText.percent($0.sampleDeviation))).\n\n"
    }
    var text =
      (folds ?? "")
      + "**\(NumberText.percent(tally.share))** of \(tally.total) held-out questions right"
      + " (95 % interval \(NumberText.interval(tally.interval))"
    if let chance = score.chance { text += "; chance \(NumberText.percent(chance))" }
    if let constant = score.constant {
      text += "; always \(Markdown.text(constant.letter)) \(NumberText.percent(constant.share))"
    }
    if let before = score.before { text += "; before training \(NumberText.percent(before.share))" }
    return text + "). \(VerdictSection.judgement(score))\n"
  }

  private func audit(_ run: RunRecord) -> String? {
    guard let audit = run.audit else { return nil }
    let verdict =
      audit.isLeak
      ? "**The answers leak: this accuracy is no evidence of understanding.**\n\n"
      : "Verdict: \(Markdown.text(audit.verdict)).\n\n"
    let rows = audit.rules.map { rule in
      [
        Markdown.cell(rule.name), rule.rightText,
        NumberText.percent(rule.accuracy), rule.chance.map { NumberText.percent($0) } ?? "–",
        rule.pValue.map { NumberText.probability($0) } ?? "–",
      ]
    }
    let table = Markdown.table(
      ["rule that reads no question", "right", "accuracy", "chance", "p"], rows)
    let warnings = audit.warnings.map { "- \(Markdown.text($0))\n" }.joined()
    return verdict + (rows.isEmpty ? "" : table) + (warnings.isEmpty ? "" : "\n" + warnings)
  }

  private func folds(_ run: RunRecord) -> String? {
    guard let score = run.score, let folds = score.folds else { return nil }
    let rows = folds.each.map { fold in
      fold.exitCode == 0
        ? Self.row("fold \(fold.index)", fold.tally)
        : ["fold \(fold.index)", "ended with code \(fold.exitCode)", "", "", ""]
    }
    return Markdown.table(
      ["fold", "accuracy", "95 % interval", "right", "n"],
      rows + [Self.row("all folds", score.overall)])
  }

  private static func row(_ name: String, _ tally: EvaluationResult.Tally) -> [String] {
    let few = tally.total < IntervalChart.fewest ? " (too few to say anything)" : ""
    return [
      Markdown.cell(name), NumberText.percent(tally.share), NumberText.interval(tally.interval),
      "\(tally.correct)", "\(tally.total)\(few)",
    ]
  }

  private func types(_ run: RunRecord) -> String? {
    guard let score = run.score else { return nil }
    let rows =
      [Self.row("all questions", score.overall)]
      + score.byType.filter { $0.tally.total > 0 }.map { Self.row($0.name, $0.tally) }
    return Markdown.table(["type", "accuracy", "95 % interval", "right", "n"], rows)
      + "\nA question counts in every type it has.\n"
  }

  private func letters(_ run: RunRecord) -> String? {
    guard let score = run.score, score.letterCount > 0 else { return nil }
    let heads = (0..<score.letterCount).map { letter($0) }
    let table = Markdown.table(
      [""] + heads,
      [
        ["right"] + score.rightLetters.map(String.init),
        ["picked"] + score.pickedLetters.map(String.init),
      ])
    let error = score.expectedCalibrationError.map {
      "\nExpected calibration error \(NumberText.percent($0)).\n"
    }
    return table + (error ?? "")
  }

  private func log(_ run: RunRecord) -> String? {
    guard !run.training.isEmpty else { return nil }
    let every = (run.training.count + Self.logRows - 1) / Self.logRows
    let last = run.training.count - 1
    let shown = run.training.enumerated().filter { $0.offset % every == 0 || $0.offset == last }
    let losses = Dictionary(run.validation.map { ($0.step, $0.loss) }) { $1 }
    func text(_ value: Double?, _ digits: Int) -> String {
      value.map { Console.fixed($0, digits) } ?? ""
    }
    let rows = shown.map { _, point in
      [
        "\(point.step)", text(point.loss, 4), text(losses[point.step], 4),
        text(point.gradientNorm, 3), point.learningRate.map { NumberText.short($0) } ?? "",
        text(point.tokensPerSecond, 0),
      ]
    }
    let table = Markdown.table(
      ["step", "loss", "validation loss", "gradient norm", "learning rate", "tokens/s"], rows)
    let thinned = every > 1 ? "\nOne of \(every) rows; all are in metrics.jsonl.\n" : ""
    return table + thinned
  }

  private func configuration(_ run: RunRecord) -> String? {
    guard !run.settings.isEmpty else { return nil }
    let rows = run.settings.map { setting in
      [
        Markdown.cell(setting.name), Markdown.cell(setting.value),
        setting.isDefault ? "default" : Markdown.cell(setting.source),
      ]
    }
    return Markdown.table(["setting", "value", "from"], rows)
  }

  private func environment(_ run: RunRecord) -> String? {
    let rows = ProvenanceSection.environment(run).map {
      [Markdown.cell($0.name), Markdown.cell($0.value)]
    }
    return rows.isEmpty ? nil : Markdown.table(["what", "value"], rows)
  }

  private var comparison: [String] {
    let scores = runs.map { run in
      run.score.map {
        Self.row(run.name + (run.audit?.isLeak == true ? " (the answers leak)" : ""), $0.overall)
      }
        ?? [Markdown.cell(run.name), "no results yet", "", "", ""]
    }
    var parts = [
      "## Comparison\n\n"
        + Markdown.table(["run", "accuracy", "95 % interval", "right", "n"], scores)
    ]
    let pairs = RunComparison.pairs(runs)
    if !pairs.isEmpty {
      let rows = pairs.map { pair in
        [
          Markdown.cell("\(pair.first.name) – \(pair.second.name)"), "\(pair.common)",
          "\(pair.test.onlyFirst)", "\(pair.test.onlySecond)", pair.pText,
          Markdown.cell(pair.caveat),
        ]
      }
      parts.append(
        Markdown.table(
          ["pair", "same questions", "only first right", "only second right", "p", "note"], rows)
          + "\nMcNemar's exact test, two-sided; not corrected for the number of pairs.\n")
    }
    let differences = ComparisonSection.differences(runs).map { name, values in
      ([name] + values).map { Markdown.cell($0) }
    }
    if !differences.isEmpty {
      parts.append(Markdown.table(["setting"] + runs.map { Markdown.cell($0.name) }, differences))
    }
    return parts
  }
}
