/// Whether the questions give their answers away to something that understands nothing.
struct AuditSection {
  let run: RunRecord

  var markup: Markup {
    let parts = warning + table + positions + overlap
    return parts.isEmpty ? "" : "<section><h2>Can the score be trusted?</h2>\n\(parts)</section>\n"
  }

  private var winners: [AuditRecord.Rule] {
    (run.audit?.rules ?? []).filter(\.beatsChance).sorted { $0.accuracy > $1.accuracy }
  }

  /// Loud where there is a leak.
  private var warning: Markup {
    var boxes: Markup = ""
    if let audit = run.audit, audit.isLeak {
      let rules = winners.prefix(3).map { rule -> Markup in
        "<b>\(rule.name)</b> is right on \(rule.rightText)"
      }.joined(", ")
      boxes += """
        <div class="alarm" role="alert"><h3>The answers leak</h3>
        <p>Without reading a question: \(rules.isEmpty ? "see the rules below" : rules). A model can score as \
        high without understanding anything, so this accuracy says nothing about it.</p></div>

        """
    } else if run.audit == nil, let constant = run.score?.constant, isGivenAway {
      boxes += """
        <div class="alarm" role="alert"><h3>The right option’s position gives it away</h3>
        <p>Always answering <b>\(constant.letter)</b> scores \(NumberText.percent(constant.share)) on these \
        questions.</p></div>

        """
    }
    if let tally = run.score?.optionsOnly, tally.total > 0 { boxes += optionsOnly(tally) }
    let warnings = (run.audit?.warnings ?? []).map { "<li>\($0)</li>" as Markup }
    return boxes + (warnings.isEmpty ? "" : "<ul class=\"warnings\">\(warnings)</ul>\n")
  }

  /// A constant answer that is right twice as often as chance, where letters are what is scored.
  private var isGivenAway: Bool {
    guard let score = run.score, let constant = score.constant, let chance = score.chance else {
      return false
    }
    let scoresOptions = score.protocolParts.contains { $0.0 == "score" && $0.1.hasPrefix("option") }
    return constant.share > 2 * chance && !scoresOptions
  }

  private func optionsOnly(_ tally: EvaluationResult.Tally) -> Markup {
    let chance = run.score?.chance ?? 0
    let isHigh = tally.interval.low > chance
    let text: Markup = """
      With the question’s text removed the model is still right on <b>\(NumberText.percent(tally.share))</b> \
      (\(tally.correct) of \(tally.total), 95 % interval \(NumberText.interval(tally.interval)); chance \
      \(NumberText.percent(chance))).
      """
    guard isHigh else { return "<p>\(text) No more than chance.</p>\n" }
    return """
      <div class="alarm mild"><h3>The options alone tell something</h3><p>\(text)</p></div>

      """
  }

  private var table: Markup {
    guard let audit = run.audit else { return "" }
    let rows = audit.rules.map { rule -> Markup in
      let explanation: Markup = rule.beatsChance ? "<small>\(rule.explanation)</small>" : ""
      return """
        <tr class="\(rule.beatsChance ? "beats" : "")"><th scope="row">\(rule.name)\(explanation)</th><td>\(rule.rightText)</td>\
        <td>\(NumberText.percent(rule.accuracy))</td>\
        <td>\(rule.chance.map { NumberText.percent($0) } ?? "–")</td>\
        <td>\(rule.pValue.map { NumberText.probability($0) } ?? "–")</td></tr>

        """
    }
    let verdict: Markup =
      audit.isLeak
      ? "" : "<p>Verdict of the audit: <b>\(audit.verdict)</b>\(Markup(text: scope(audit))).</p>\n"
    guard !rows.isEmpty else { return verdict }
    return """
      \(verdict)<div class="wide"><table class="plain"><thead><tr><th scope="col">rule that reads no question</th>\
      <th scope="col">right</th><th scope="col">accuracy</th><th scope="col">chance</th>\
      <th scope="col">p</th></tr></thead><tbody>
      \(rows)</tbody></table></div>

      """
  }

  private func scope(_ audit: AuditRecord) -> String {
    audit.questions.map { ", of \(Console.grouped($0)) questions" } ?? ""
  }

  private var positions: Markup {
    guard let splits = run.audit?.positions.filter({ !$0.counts.isEmpty }), !splits.isEmpty else {
      return ""
    }
    let letters = splits.flatMap { $0.counts.map(\.letter) }.reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    let heads = letters.map { "<th scope=\"col\">\($0)</th>" as Markup }
    let rows = splits.map { split, counts -> Markup in
      let cells = letters.map { letter -> Markup in
        "<td>\(counts.first { $0.letter == letter }?.count ?? 0)</td>"
      }
      return "<tr><th scope=\"row\">\(split.replacing("_", with: " "))</th>\(cells)</tr>\n"
    }
    return """
      <div class="wide"><table class="plain"><thead><tr><th scope="col">right letter</th>\(heads)</tr></thead>
      <tbody>\(rows)</tbody></table></div>

      """
  }

  private var overlap: Markup {
    let counts = run.audit?.overlap ?? []
    guard !counts.isEmpty else { return "" }
    let parts = counts.map { "\($0.name) <b>\($0.count)</b>" as Markup }
    return
      "<p class=\"note\">Overlap of training and held-out questions: \(parts.joined(" · "))</p>\n"
  }
}
