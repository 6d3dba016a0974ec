internal import Foundation

/// The scores of a cross-validated run's folds, and over all of them.
struct FoldsSection {
  let run: RunRecord
  let score: ScoreRecord
  let folds: ScoreRecord.Folds
  /// Where the page will be, for its links; nil for none.
  let folder: String?

  var markup: Markup {
    let rows =
      [IntervalChart.Row(name: "all folds", tally: score.overall, isOverall: true)]
      + folds.scored.map { .init(name: "fold \($0.index)", tally: $0.tally) }
    return """
      <section><h2>Folds</h2>
      <p class="note">Right of all, in percent, with 95 % intervals. Every question is held out in one fold and \
      answered by the model of that fold.<span class="legend"><span class="key chance">chance</span></span></p>
      \(IntervalChart(rows: rows, chance: score.chance).markup)\(table)</section>

      """
  }

  private var table: Markup {
    let rows = folds.each.map { fold -> Markup in
      let name = link("fold \(fold.index)", to: "\(run.path)/fold-\(fold.index)/report.html")
      guard fold.exitCode == 0 else {
        return """
          <tr class="beats"><th scope="row">\(name)</th><td colspan="3">ended with code \(fold.exitCode)</td></tr>

          """
      }
      return """
        <tr><th scope="row">\(name)</th><td>\(fold.tally.correct)</td><td>\(fold.tally.total)</td>\
        <td>\(NumberText.percent(fold.tally.share))</td></tr>

        """
    }
    let summary = [
      ("mean", folds.mean), ("population deviation", folds.populationDeviation),
      ("sample deviation", folds.sampleDeviation),
    ].map { name, value -> Markup in
      """
      <tr><th scope="row">\(name)</th><td></td><td></td><td>\(NumberText.percent(value))</td></tr>

      """
    }
    return """
      <div class="wide"><table class="plain"><thead><tr><th scope="col">fold</th><th scope="col">right</th>\
      <th scope="col">n</th><th scope="col">accuracy</th></tr></thead><tbody>
      \(rows)\(summary)<tr><th scope="row"><b>all folds</b></th><td>\(score.overall.correct)</td>\
      <td>\(score.overall.total)</td><td><b>\(NumberText.percent(score.overall.share))</b></td></tr>
      </tbody></table></div>

      """
  }

  /// A link where the page knows its place and the file is there.
  private func link(_ text: String, to file: String) -> Markup {
    guard let folder, InputFile.isFolder(file) == false else { return "\(text)" }
    return "<a href=\"\(Self.reference(to: file, from: folder))\">\(text)</a>"
  }

  /// How a page in `folder` names `file`.
  static func reference(to file: String, from folder: String) -> String {
    let target = URL(filePath: file).standardizedFileURL.pathComponents
    let base = URL(filePath: folder).standardizedFileURL.pathComponents
    let shared = zip(target, base).prefix { $0 == $1 }.count
    let parts = Array(repeating: "..", count: base.count - shared) + target[shared...]
    let safe = CharacterSet.urlPathAllowed.subtracting(CharacterSet(charactersIn: ":"))
    return parts.map { $0.addingPercentEncoding(withAllowedCharacters: safe) ?? $0 }
      .joined(separator: "/")
  }
}
