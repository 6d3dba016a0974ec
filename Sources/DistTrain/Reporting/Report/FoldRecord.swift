internal import Foundation
internal import Model

extension ScoreRecord {
  /// The scores of the folds of a cross-validated run.
  package struct Folds: Sendable {
    package struct Fold: Sendable {
      package let index: Int
      package let tally: Tally
      /// What its run ended with; 0 where it came to its end.
      package let exitCode: Int
    }
    package let each: [Fold]
    /// Shares from 0 to 1.
    package let mean: Double, populationDeviation: Double, sampleDeviation: Double

    package var failed: [Fold] { each.filter { $0.exitCode != 0 } }
    package var scored: [Fold] { each.filter { $0.tally.total > 0 } }
  }

  /// Reads the folds of results.json, where it has any, and what a single run's file would say besides.
  mutating func readFolds(_ json: JSONValue, _ path: String) throws(CommandFailure) {
    guard let list = json["folds"]?.arrayValue else { return }
    var each: [Folds.Fold] = []
    for (position, item) in list.enumerated() {
      guard let tally = try Self.tally(item, path) else {
        throw CommandFailure(
          "\(path) is damaged: fold \(position) has no correct and total", exitCode: 65)
      }
      each.append(
        Folds.Fold(
          index: item["fold"]?.intValue ?? position, tally: tally,
          exitCode: item["exit_code"]?.intValue ?? 0))
    }
    func share(_ name: String) throws(CommandFailure) -> Double {
      guard let value = json["metrics"]?[name]?.doubleValue else {
        throw CommandFailure("\(path) is damaged: it has folds but no \(name)", exitCode: 65)
      }
      return value / 100
    }
    folds = Folds(
      each: each, mean: try share("mean_accuracy"),
      populationDeviation: try share("population_deviation"),
      sampleDeviation: try share("sample_deviation"))
    guard !answers.isEmpty else { return }
    chance = chance ?? mean(answers.map { 1 / Double(max(1, $0.options.count)) })
    let showsLetters = protocolParts.contains { name, value in
      name == "score" && ScoreRule(rawValue: value)?.readsTexts == false
    }
    if constant == nil, showsLetters, let most = rightLetters.max(), most > 0 {
      let best = rightLetters.firstIndex(of: most) ?? 0
      constant = (letter(best), Double(most) / Double(answers.count))
    }
  }

  private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}

extension RunRecord {
  /// Whether its folder is that of runs of folds.
  var isCrossValidated: Bool {
    score?.folds != nil || (setting("folds") ?? "none") != "none"
  }

  /// Reads the runs in the folders fold-0, fold-1, ...; those without a file yet are left out.
  mutating func readFolds() throws(CommandFailure) {
    guard isCrossValidated else { return }
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
      throw CommandFailure("\(path) cannot be read: \(error.localizedDescription)", exitCode: 66)
    }
    let indices = names.compactMap { name in
      name.hasPrefix("fold-") ? Int(name.dropFirst("fold-".count)) : nil
    }
    for index in indices.sorted() {
      let folder = "\(path)/fold-\(index)"
      guard Self.telling.contains(where: { InputFile.isFolder("\(folder)/\($0)") == false }) else {
        continue
      }
      folds.append(try RunRecord(folder: folder))
    }
    if environment == .object([:]) { environment = folds.first?.environment ?? environment }
    let audits = folds.compactMap(\.audit)
    if audit == nil { audit = (audits.first(where: \.isLeak) ?? audits.first)?.ofAllQuestions }
  }
}
