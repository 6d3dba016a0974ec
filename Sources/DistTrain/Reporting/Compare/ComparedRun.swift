internal import Model

/// What a row of the comparison says of a run, as its files have it; nil for what they do not have.
package struct ComparedRun: Sendable {
  package let run: RunRecord
  package let model: String?
  /// All parameters, and those that were trained.
  package let parameters: Int?, trainable: Int?
  package let protocolText: String
  package let trainingSeconds: Double?
  package let hardware: String?

  package init(_ run: RunRecord) {
    self.run = run
    model = run.setting("model_name_or_path").map { ModelCard.modelName(ofPath: $0) }
    let base = run.environment["identity"]?["base_parameters"]?.intValue
    parameters = run.environment["parameters"]?.intValue ?? base
    trainable = run.environment["trainable_parameters"]?.intValue
    protocolText = Self.protocolText(run)
    trainingSeconds = Self.seconds(run)
    hardware = Self.hardware(run.environment)
  }

  /// How its questions were held out.
  var heldOutText: String { Self.heldOut(run).joined() }

  private static func heldOut(_ run: RunRecord) -> [String] {
    guard let score = run.score, score.overall.total > 0 else { return [] }
    let total = score.overall.total
    return [score.folds.map { "\($0.each.count) folds of \(total)" } ?? "\(total) held out"]
  }

  /// The same, and how they were shown.
  private static func protocolText(_ run: RunRecord) -> String {
    var parts = heldOut(run)
    for part in run.score?.protocolParts ?? [] where part.name != "prompt_template" {
      switch part.name {
      case "option_order": parts.append("options \(orderText(part.value))")
      default: parts.append("by \(part.value.replacing("_", with: " "))")
      }
    }
    return parts.joined(separator: ", ")
  }

  private static func orderText(_ order: String) -> String {
    order == "dataset" ? "in the file's order" : order
  }

  /// The seconds of all steps; of folds added up. Nil where any is not known.
  private static func seconds(_ run: RunRecord) -> Double? {
    guard run.folds.isEmpty else {
      let each = run.folds.compactMap(seconds)
      return each.count == run.folds.count ? each.reduce(0, +) : nil
    }
    let each = run.training.compactMap(\.seconds)
    return each.isEmpty || each.count < run.training.count ? nil : each.reduce(0, +)
  }

  private static func hardware(_ environment: JSONValue) -> String? {
    guard let cpu = environment["cpu"]?.stringValue else { return nil }
    func count(_ value: Int, _ noun: String) -> String {
      "\(value) \(noun)\(value == 1 ? "" : "s")"
    }
    var parts: [String] = []
    if let ranks = environment["ranks"]?.intValue {
      let threads = environment["threads_per_rank"]?.intValue
      parts.append(
        count(ranks, "rank") + (threads.map { " × \(count($0, "thread"))" } ?? ""))
    }
    let hosts = Set((environment["hosts"]?.arrayValue ?? []).compactMap(\.stringValue)).count
    if hosts > 1 { parts.append("\(hosts) hosts") }
    return ([cpu] + parts).joined(separator: ", ")
  }

  package var isLeak: Bool { run.audit?.isLeak ?? false }

  var parametersText: String { parameters.map(Self.size) ?? "–" }

  /// "40.4M trainable", or that all are.
  var trainableText: String? {
    trainable.map { $0 == parameters ? "all trainable" : "\(Self.size($0)) trainable" }
  }

  var timeText: String { trainingSeconds.map(MetricsLog.clock) ?? "–" }

  var accuracyText: String {
    guard let score = run.score else { return "no results yet" }
    return score.folds.map(NumberText.deviating) ?? NumberText.percent(score.overall.share)
  }

  /// The interval, for folds that of all answers together.
  var intervalText: String {
    guard let score = run.score else { return "" }
    let interval = NumberText.interval(score.overall.interval)
    return score.folds == nil
      ? interval : "all folds \(NumberText.percent(score.overall.share)), \(interval)"
  }

  /// A count with three digits or more: 7.66B, 335M, 1,234.
  static func size(_ count: Int) -> String {
    for (unit, name) in [(1e9, "B"), (1e6, "M"), (1e3, "K")] where Double(count) >= 0.9995 * unit {
      let value = Double(count) / unit
      return Console.fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + name
    }
    return "\(count)"
  }
}
