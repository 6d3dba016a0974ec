package import Model

/// What the files of a run say of it. Any of them may be missing; a damaged one is an error that names it.
package struct RunRecord: Sendable {
  /// A line of the training log; what it does not have is nil.
  package struct TrainingPoint: Sendable, Equatable {
    package let step: Int
    package let loss: Double
    package let gradientNorm: Double?, learningRate: Double?
    package let tokens: Double?, seconds: Double?

    package var tokensPerSecond: Double? {
      guard let tokens, let seconds, seconds > 0 else { return nil }
      return tokens / seconds
    }
  }

  package struct Setting: Sendable, Equatable {
    package let name: String, value: String, source: String
    package let isDefault: Bool
  }

  package let path: String
  /// The name of the folder.
  package var name: String
  package var settings: [Setting] = []
  package var environment: JSONValue = .object([:])
  package var training: [TrainingPoint] = []
  package var validation: [(step: Int, loss: Double)] = []
  /// Epochs done at the last line of the log.
  package var epoch: Double?
  package var totalSteps: Int?
  /// Steps after which a checkpoint was written, and after which the run went on from one.
  package var checkpoints: [Int] = [], resumes: [Int] = []
  /// Where the root's time went, in seconds by name.
  package var times: [(name: String, seconds: Double)] = []
  package var score: ScoreRecord?
  package var audit: AuditRecord?
  /// The runs of a cross-validated run's folds.
  package var folds: [RunRecord] = []

  package init(path: String, name: String) {
    self.path = path
    self.name = name
  }

  package var lastStep: Int? { training.last?.step }

  func setting(_ name: String) -> String? { settings.first { $0.name == name }?.value }

  /// What the run was made of, in a line.
  var subtitle: [String] {
    var parts: [String] = []
    if let model = setting("model_name_or_path") {
      parts.append(ModelCard.modelName(ofPath: model))
    }
    if let data = setting("dataset_path")?.split(separator: "/").last { parts.append(String(data)) }
    if !folds.isEmpty { parts.append("\(folds.count) folds") }
    if let ranks = environment["ranks"]?.intValue {
      parts.append("\(ranks) rank\(ranks == 1 ? "" : "s")")
    }
    if let step = lastStep {
      parts.append(totalSteps.map { "step \(step) of \($0)" } ?? "step \(step)")
    }
    return parts
  }
}
