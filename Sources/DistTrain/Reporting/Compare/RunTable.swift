internal import Model

/// Runs, baselines and published figures side by side, from the files of the runs alone.
package struct RunTable: Sendable {
  /// How the answers of a row compare to those of the best run on the same questions.
  package enum Standing: Sendable, Equatable {
    /// Two-sided p-value of McNemar's exact test against the run of that name.
    case against(String, p: Double)
    case best, alone, otherQuestions, unknown
  }
  package struct Row: Sendable {
    package let entry: ComparedRun
    package let standing: Standing
    var name: String { entry.run.name }
  }
  package struct Published: Sendable {
    package let result: PublishedResult
    /// Names of the runs here whose model is this row's.
    package let here: [String]
    var hereText: String {
      here.isEmpty ? "not run here" : "run here: " + here.joined(separator: ", ")
    }
  }
  package let runs: [Row], baselines: [Row], published: [Published]
  package let file: BaselineFile?
  /// Whether the questions are known to be others than those of the published table.
  package let hasOtherData: Bool

  package init(_ records: [RunRecord], _ file: BaselineFile?) {
    let runs = records.map(ComparedRun.init)
    let baselines = (file?.runs ?? []).map(ComparedRun.init)
    self.file = file
    let peers = runs.map { ($0, Self.keys($0)) }
    let others = baselines.first.map(Self.keys)
    self.runs = zip(runs, peers).map { run, peer in
      let standing = Self.standing(run, peers)
      let isOnly = standing == .otherQuestions || standing == .alone
      let measures = isOnly && !peer.1.isEmpty && peer.1 == others
      return Row(entry: run, standing: measures ? .best : standing)
    }
    self.baselines = baselines.map { Row(entry: $0, standing: Self.standing($0, peers)) }
    published = PublishedResult.all.map { result in
      Published(
        result: result,
        here: runs.filter { run in run.model.map(result.names) ?? false }.map(\.run.name))
    }
    let digests =
      records.compactMap { $0.environment["identity"]?["dataset_sha256"]?.stringValue }
      + [file?.datasetDigest].compactMap(\.self)
    hasOtherData = digests.contains { $0 != PublishedResult.datasetDigest }
  }

  /// Reads finished runs, and `baselines` or else the first baselines.json in a run's folder.
  package init(folders: [String], baselines: String?) throws(CommandFailure) {
    let records = try Report(folders: folders).runs
    let beside = folders.map { $0 + "/baselines.json" }
    let path = baselines ?? beside.first { InputFile.isFolder($0) == false }
    var file: BaselineFile?
    if let path { file = try BaselineFile(path: path) }
    self.init(records, file)
  }

  private static func keys(_ entry: ComparedRun) -> [[String]] {
    (entry.run.score?.answers ?? []).map(\.key).sorted { $0.lexicographicallyPrecedes($1) }
  }

  private static func standing(
    _ entry: ComparedRun, _ runs: [(entry: ComparedRun, keys: [[String]])]
  ) -> Standing {
    let keys = keys(entry)
    guard !keys.isEmpty else { return .unknown }
    let same = runs.filter { $0.keys == keys }.map(\.entry)
    // A run whose answers leak is no measure for others, unless there is nothing else.
    let honest = same.filter { !$0.isLeak }
    let pool = honest.isEmpty ? same : honest
    guard let best = pool.reduce(pool.first, { $1.share > $0?.share ?? 0 ? $1 : $0 }) else {
      return .otherQuestions
    }
    guard best.run.path != entry.run.path else {
      return same.count > 1 ? .best : runs.count > 1 ? .otherQuestions : .alone
    }
    guard let pair = RunComparison(entry.run, best.run) else { return .unknown }
    return .against(best.run.name, p: pair.test.pValue)
  }

  /// The best runs that rows are compared with, and on how many questions.
  var references: [(name: String, total: Int)] {
    var found: [(name: String, total: Int)] = []
    for row in runs + baselines {
      guard case .against(let name, _) = row.standing, !found.contains(where: { $0.name == name })
      else { continue }
      found.append((name, row.entry.run.score?.overall.total ?? 0))
    }
    return found
  }

  /// What has to be known before the table is read.
  package var notes: [String] {
    var notes: [String] = []
    if !references.isEmpty {
      let names = references.map { "\($0.name) (\($0.total) questions)" }
      notes.append(
        "p: McNemar's exact test, two-sided, against the best run on the same questions: "
          + names.joined(separator: ", ") + ". Not corrected for the number of rows.")
    }
    if (runs + baselines).contains(where: { $0.entry.run.score?.folds != nil }) {
      notes.append(
        "Folds: mean ± population deviation; the interval is of all answers together, each given by the model of its"
          + " fold. Training times of folds are added up.")
    }
    for row in runs where row.entry.isLeak {
      notes.append(
        "\(row.name): the audit of its questions found a leak; its accuracy is no evidence of understanding."
      )
    }
    notes.append(PublishedResult.leak)
    if let file, file.rightFirst == file.questionCount, file.questionCount > 0 {
      notes.append(
        "In the questions compared here the right option is the first in the file too, in \(file.rightFirst) of"
          + " \(file.questionCount); options have to be shuffled.")
    }
    notes.append(PublishedResult.times)
    if hasOtherData {
      notes.append(
        "Some of the runs above are on other data than Recipe-MPR's 500QA.json: the published figures are not"
          + " comparable with them.")
    }
    return notes
  }
}

extension RunTable.Standing {
  var text: String {
    switch self {
    case .against(_, let p): NumberText.probability(p)
    case .best: "best run"
    case .alone, .unknown: "–"
    case .otherQuestions: "other questions"
    }
  }
}

extension ComparedRun {
  fileprivate var share: Double { run.score?.overall.share ?? 0 }
}
