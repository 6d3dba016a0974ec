internal import Foundation
package import Model

extension RunRecord {
  /// Files of which a run has at least one as soon as there is anything to tell.
  static let telling = ["config.yaml", "metrics.jsonl", "results.json"]

  /// Reads what there is in `folder`; throws with exit code 66 where that is no run, 65 where a file is damaged.
  package init(folder: String) throws(CommandFailure) {
    let path = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    let name = URL(filePath: path).standardizedFileURL.lastPathComponent
    self.init(path: path, name: name)
    guard InputFile.isFolder(path) == true else {
      throw CommandFailure("\(path) is not a folder; give the folder of a run", exitCode: 66)
    }
    guard Self.telling.contains(where: { InputFile.isFolder(path + "/" + $0) == false }) else {
      throw CommandFailure(
        "\(path) is not the folder of a run: it has none of \(Self.telling.joined(separator: ", "))",
        exitCode: 66)
    }
    settings = try readSettings()
    environment = try json("env.json") ?? .object([:])
    try readMetrics()
    totalSteps = try json("trainer_state.json")?["max_steps"]?.intValue ?? totalSteps
    try readTimes()
    try readLog()
    score = try json("results.json").map { results throws(CommandFailure) in
      try ScoreRecord(results, path + "/results.json")
    }
    audit = try json("audit.json").map(AuditRecord.init)
    try readFolds()
  }

  private func fault(_ name: String, _ reason: String) -> CommandFailure {
    CommandFailure("\(path)/\(name) is damaged: \(reason)", exitCode: 65)
  }

  /// The bytes of a file; nil where it is not there.
  private func bytes(_ name: String) throws(CommandFailure) -> [UInt8]? {
    do { return try InputFile.bytes(path + "/" + name) } catch {
      if error == .system(ENOENT) { return nil }
      throw CommandFailure("\(path)/\(name) \(error.reason)", exitCode: 65)
    }
  }

  private func json(_ name: String) throws(CommandFailure) -> JSONValue? {
    guard let bytes = try bytes(name) else { return nil }
    let value: JSONValue
    do { value = try JSONParser.parse(bytes) } catch { throw fault(name, "\(error)") }
    guard value.objectValue != nil else {
      throw fault(name, "it is \(value.kind), not an object")
    }
    return value
  }

  /// The objects of a file of lines.
  private func lines(_ name: String) throws(CommandFailure) -> [JSONValue] {
    var values: [JSONValue] = []
    let lines = (try bytes(name) ?? []).split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      do { values.append(try JSONParser.parse(Array(line))) } catch {
        throw fault(name, "line \(index + 1), column \(error.column): \(error.reason)")
      }
      guard values[values.count - 1].objectValue != nil else {
        throw fault(name, "line \(index + 1) is not an object")
      }
    }
    return values
  }

  private func readSettings() throws(CommandFailure) -> [Setting] {
    guard let bytes = try bytes("config.yaml") else { return [] }
    let sources = String(decoding: bytes, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false
    ).map { line in
      line.range(of: "  # ", options: .backwards).map { String(line[$0.upperBound...]) } ?? ""
    }
    let file: ConfigurationFile
    do { file = try ConfigurationFile(path: path + "/config.yaml") } catch {
      throw fault("config.yaml", "\(error)")
    }
    return file.settings.map { setting in
      let line = setting.source.split(separator: ":").last.flatMap { Int($0) } ?? 0
      let fallback = ConfigurationKey.named(setting.name)?.fallback
      let isDefault =
        fallback.map {
          ConfigurationKey.named(setting.name)?.means(setting.text, sameAs: $0) ?? false
        } ?? false
      return Setting(
        name: setting.name, value: setting.text,
        source: sources.indices.contains(line - 1) ? sources[line - 1] : "", isDefault: isDefault)
    }
  }

  private mutating func readMetrics() throws(CommandFailure) {
    for (index, line) in try lines("metrics.jsonl").enumerated() {
      guard let step = line["step"]?.intValue, step >= 0 else {
        throw fault("metrics.jsonl", "line \(index + 1) has no step")
      }
      epoch = line["epoch"]?.doubleValue ?? epoch
      totalSteps = line["total_steps"]?.intValue ?? totalSteps
      if let loss = line["loss"]?.doubleValue {
        training.append(
          TrainingPoint(
            step: step, loss: loss, gradientNorm: line["grad_norm"]?.doubleValue,
            learningRate: line["learning_rate"]?.doubleValue,
            tokens: line["tokens"]?.doubleValue, seconds: line["seconds"]?.doubleValue))
      }
      if let loss = line["eval_loss"]?.doubleValue { validation.append((step, loss)) }
    }
  }

  /// step_times.jsonl, which a killed run may leave with lines of steps that were done again.
  private mutating func readTimes() throws(CommandFailure) {
    var sums: [(name: String, seconds: Double)] = []
    for line in try lines("step_times.jsonl") {
      guard let object = line.objectValue else { continue }
      for (key, value) in zip(object.keys, object.values) where key.hasSuffix("_seconds") {
        let name = String(key.dropLast("_seconds".count)).replacing("_", with: " ")
        let seconds = value.doubleValue ?? 0
        if let index = sums.firstIndex(where: { $0.name == name }) {
          sums[index].seconds += seconds
        } else {
          sums.append((name, seconds))
        }
      }
    }
    times = sums
  }

  /// The root's log: when checkpoints were written, and where the run went on from.
  private mutating func readLog() throws(CommandFailure) {
    var (written, resumed) = (Set<Int>(), Set<Int>())
    let text = String(decoding: try bytes("logs/rank-000.log") ?? [], as: UTF8.self)
    for line in text.split(separator: "\n") {
      if line.contains(" info wrote "), line.hasSuffix(".h5"), let dash = line.lastIndex(of: "-") {
        if let step = Int(line[line.index(after: dash)...].dropLast(3)) { written.insert(step) }
      } else if let place = line.range(of: " info resumed    after step ") {
        if let step = Int(line[place.upperBound...]) { resumed.insert(step) }
      }
    }
    checkpoints = written.sorted()
    resumes = resumed.sorted()
  }
}

extension ScoreRecord {
  /// Reads results.json; throws with exit code 65 where its counts contradict each other.
  package init(_ json: JSONValue, _ path: String) throws(CommandFailure) {
    let metrics = json["metrics"] ?? json
    guard let overall = try Self.tally(metrics["overall"] ?? metrics, path) else {
      throw CommandFailure("\(path) has no correct and total in its metrics", exitCode: 65)
    }
    self.init(overall: overall)
    if let types = metrics["query_types"]?.objectValue {
      for (name, value) in zip(types.keys, types.values) {
        if let tally = try Self.tally(value, path) { byType.append((name, tally)) }
      }
    }
    chance = metrics["chance_accuracy"]?.doubleValue.map { $0 / 100 }
    if let constant = metrics["constant_answer"], let letter = constant["letter"]?.stringValue,
      let accuracy = constant["accuracy"]?.doubleValue
    {
      self.constant = (letter, accuracy / 100)
    }
    truncated = metrics["truncated_questions"]?.intValue ?? 0
    unparsable = metrics["unparsable"]?.intValue ?? 0
    for name in ["score", "option_order", "prompt_template"] {
      if let value = json[name]?.stringValue { protocolParts.append((name, value)) }
    }
    if let metrics = json["before"]?["metrics"] {
      before = try Self.tally(metrics["overall"] ?? metrics, path)
    }
    if let tally = json["options_only"] { optionsOnly = try Self.tally(tally, path) }
    answers = try (json["predictions"]?.arrayValue ?? []).enumerated().map {
      pair throws(CommandFailure) in try Self.answer(pair.element, pair.offset, path)
    }
    readCalibration(metrics["calibration"])
    try readFolds(json, path)
  }

  static func tally(_ json: JSONValue, _ path: String) throws(CommandFailure) -> Tally? {
    guard let correct = json["correct"]?.intValue, let total = json["total"]?.intValue else {
      return nil
    }
    guard 0 <= correct, correct <= total else {
      throw CommandFailure(
        "\(path) is damaged: \(correct) of \(total) cannot be right", exitCode: 65)
    }
    var tally = Tally()
    (tally.correct, tally.total) = (correct, total)
    return tally
  }

  private static func answer(
    _ json: JSONValue, _ index: Int, _ path: String
  ) throws(CommandFailure) -> Answer {
    let options = (json["choices"]?.arrayValue ?? []).map { $0.stringValue ?? $0.text() }
    func fault(_ reason: String) -> CommandFailure {
      CommandFailure("\(path) is damaged: prediction \(index + 1) \(reason)", exitCode: 65)
    }
    guard let question = json["question"]?.stringValue else { throw fault("has no question") }
    guard let right = json["correct_idx"]?.intValue, options.indices.contains(right) else {
      throw fault("has no correct_idx among its \(options.count) choices")
    }
    let picked = json["predicted_idx"]?.intValue.flatMap { $0 < 0 ? nil : $0 }
    guard picked.map({ options.indices.contains($0) }) ?? true else {
      throw fault("has a predicted_idx that is none of its \(options.count) choices")
    }
    let numbers = (json["probabilities"]?.arrayValue ?? []).compactMap(\.doubleValue)
    let scores = (json["scores"]?.arrayValue ?? []).compactMap(\.doubleValue)
    let shares = numbers.count == options.count ? numbers : Self.shares(scores)
    return Answer(
      index: json["index"]?.intValue, question: question, options: options, right: right,
      picked: picked, isCorrect: json["is_correct"]?.boolValue ?? (picked == right),
      probabilities: shares.count == options.count ? shares : [],
      types: (json["query_types"]?.arrayValue ?? []).compactMap(\.stringValue),
      generated: json["generated_text"]?.stringValue)
  }

  /// The softmax of log-likelihoods.
  private static func shares(_ scores: [Double]) -> [Double] {
    guard let highest = scores.max() else { return [] }
    let weights = scores.map { exp($0 - highest) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }

  /// From the answers, or where their probabilities are not known the bins that the file has, as shares or percent.
  private mutating func readCalibration(_ json: JSONValue?) {
    calibrate()
    guard bins.isEmpty, let stored = json?["bins"]?.arrayValue else { return }
    let highest = stored.compactMap { $0["high"]?.doubleValue }.max() ?? 1
    let unit = highest > 1 ? 100.0 : 1
    func share(_ bin: JSONValue, _ key: String) -> Double? {
      bin[key]?.doubleValue.map { $0 / unit }
    }
    bins = stored.compactMap { bin in
      guard let low = share(bin, "low"), let high = share(bin, "high"),
        let count = bin["count"]?.intValue, count > 0,
        let confidence = share(bin, "confidence"), let accuracy = share(bin, "accuracy")
      else { return nil }
      return Bin(low: low, high: high, count: count, confidence: confidence, accuracy: accuracy)
    }
    expectedCalibrationError = json?["expected_calibration_error"]?.doubleValue.map { $0 / unit }
  }
}
