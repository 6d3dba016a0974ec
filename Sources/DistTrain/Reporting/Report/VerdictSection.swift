/// The one line that a reader came for: the score, what it is worth, and whether to believe it.
struct VerdictSection {
  let run: RunRecord
  let score: ScoreRecord

  /// What the interval allows to say against what no understanding would score.
  static func judgement(_ score: ScoreRecord) -> String {
    let chance = score.chance ?? 0
    let constant = score.constant?.share ?? 0
    let rival = max(chance, constant)
    let name =
      constant > chance ? "always answering \(score.constant?.letter ?? "A")" : "picking at random"
    let text = "\(name) (\(NumberText.percent(rival)))"
    guard score.overall.total > 0, rival > 0 else { return "" }
    if score.overall.interval.low > rival { return "Better than \(text)." }
    if score.overall.interval.high < rival { return "Worse than \(text)." }
    return "Not to be told apart from \(text)."
  }

  private var figure: Markup {
    let overall = score.overall
    guard let folds = score.folds else {
      return """
        \(NumberText.percent(overall.share))\
        <span> of held-out questions right (\(overall.correct) of \(overall.total))</span>
        """
    }
    return """
      \(NumberText.deviating(folds))<span> right on average of \(folds.scored.count) folds</span>
      """
  }

  private var sentence: Markup {
    let overall = score.overall
    var parts: [Markup] = []
    if score.folds != nil {
      parts.append("± population deviation")
      parts.append(
        "all folds \(overall.correct) of \(overall.total), \(NumberText.percent(overall.share))")
    }
    parts += [
      "95 % interval \(NumberText.interval(overall.interval))",
      "n = \(overall.total)",
    ]
    if let chance = score.chance { parts.append("chance \(NumberText.percent(chance))") }
    if let constant = score.constant {
      parts.append("always \(constant.letter) \(NumberText.percent(constant.share))")
    }
    if let before = score.before, before.total > 0 {
      parts.append("before training \(NumberText.percent(before.share))")
    }
    return parts.joined(" · ")
  }

  var markup: Markup {
    let isLeak = run.audit?.isLeak ?? false
    return """
      <div class="verdict\(isLeak ? " doubtful" : "")">
      <p class="figure">\(figure)</p>
      <p class="sentence">\(sentence)</p>
      <p class="judgement">\(Self.judgement(score))\(isLeak ? " The audit below says why this score is no evidence." : "")</p>
      </div>
      \(notes)
      """
  }

  private var notes: Markup {
    var notes: [Markup] = []
    if score.truncated > 0 {
      notes.append("\(score.truncated) questions lost tokens to max_length.")
    }
    for fold in score.folds?.failed ?? [] {
      notes.append("Fold \(fold.index) ended with code \(fold.exitCode) and is not counted.")
    }
    if score.unparsable > 0 {
      notes.append("\(score.unparsable) answers named no option and count as wrong.")
    }
    return notes.isEmpty ? "" : "<p class=\"note\">\(notes.joined(" "))</p>\n"
  }
}
