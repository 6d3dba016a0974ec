/// report.html and report.md: what the files of runs say, on a page of its own that needs nothing else.
package struct Report {
  package let runs: [RunRecord]

  package init(_ runs: [RunRecord]) {
    precondition(!runs.isEmpty, "a report needs a run")
    self.runs = runs
  }

  /// Reads the runs in `folders`; of several with the same name the paths are shown.
  package init(folders: [String]) throws(CommandFailure) {
    var runs: [RunRecord] = []
    for folder in folders { runs.append(try RunRecord(folder: folder)) }
    let names = Dictionary(grouping: runs, by: \.name)
    for index in runs.indices where (names[runs[index].name]?.count ?? 0) > 1 {
      runs[index].name = runs[index].path
    }
    self.init(runs)
  }

  /// Writes both files into `folder` and returns the path of the page.
  @discardableResult
  package static func write(_ folders: [String], to folder: String) throws -> String {
    let report = try Report(folders: folders)
    let output = RunFolder(folder)
    try output.make()
    try output.write(report.page(in: folder), to: "report.html")
    try output.write(ReportMarkdown(report.runs).text, to: "report.md")
    return folder + "/report.html"
  }

  /// The page; one that is shown while a run goes on asks for itself again, and one that knows its folder has links to
  /// the reports of folds.
  package func page(refreshSeconds: Int? = nil, in folder: String? = nil) -> String {
    Self.page(
      runs.map(\.name).joined(separator: ", "), refreshSeconds: refreshSeconds,
      source: "the files of the run\(runs.count == 1 ? "" : "s") alone",
      runs.count == 1 ? single(runs[0], folder) : several(folder))
  }

  /// A page of its own with its style; `source` is what it was made from.
  static func page(
    _ title: String, refreshSeconds: Int? = nil, source: String, _ body: Markup
  ) -> String {
    let refresh: Markup =
      refreshSeconds.map { "<meta http-equiv=\"refresh\" content=\"\($0)\">\n" } ?? ""
    let markup: Markup = """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      \(refresh)<title>\(title) – disttrain</title>
      <style>
      \(ReportStyle.sheet)</style></head>
      <body><main>
      \(body)\
      <footer>Made by disttrain \(DistTrain.version) from \(source).</footer>
      </main></body></html>

      """
    return markup.html
  }

  private func single(_ run: RunRecord, _ folder: String?) -> Markup {
    Self.header(run.name, run.subtitle) + Self.summary(run, folder)
      + AuditSection(run: run).markup
      + TrainingSection(runs: run.folds.isEmpty ? [run] : run.folds).markup + Self.details(run)
  }

  private func several(_ folder: String?) -> Markup {
    let parts = runs.map { run -> Markup in
      "<div class=\"run\">\(Self.header(run.name, run.subtitle))"
        + Self.summary(run, folder) + AuditSection(run: run).markup + Self.details(run) + "</div>\n"
    }
    return """
      \(Self.header("\(runs.count) runs", runs.map(\.name)))\
      \(ComparisonSection(runs: runs).markup)\(TrainingSection(runs: runs).markup)\(parts)
      """
  }

  static func header(_ name: String, _ parts: [String]) -> Markup {
    """
    <header><h1><bdi>\(name)</bdi></h1>
    <p>\(parts.map { "<bdi>\($0)</bdi>" as Markup }.joined(" · "))</p></header>

    """
  }

  private static func summary(_ run: RunRecord, _ folder: String?) -> Markup {
    if let score = run.score {
      let folds = score.folds.map {
        FoldsSection(run: run, score: score, folds: $0, folder: folder).markup
      }
      return VerdictSection(run: run, score: score).markup + (folds ?? "")
    }
    return "<p class=\"note\">No results yet\(progress(run)).</p>\n"
  }

  private static func progress(_ run: RunRecord) -> String {
    if run.isCrossValidated {
      return
        ": \(run.folds.count { $0.score != nil }) of \(run.folds.count) folds that have begun are done"
    }
    guard let step = run.lastStep else { return ": no step has been logged" }
    return run.totalSteps.map { ": step \(step) of \($0)" } ?? ": step \(step)"
  }

  private static let foldMistakes: Markup = """
    <section><h2>Wrong answers</h2><p>They are in the reports of the folds.</p></section>

    """

  private static func details(_ run: RunRecord) -> Markup {
    var parts: Markup = ""
    if let score = run.score {
      parts +=
        AccuracySection(score: score).markup + PicksSection(score: score).markup
        + (score.folds == nil ? MistakesSection(score: score).markup : foldMistakes)
    }
    return parts + ProvenanceSection(run: run).markup
  }
}
