/// A row of the table that was published for Recipe-MPR: others' figures, not measured by this program.
package struct PublishedResult: Sendable, Equatable {
  package let model: String
  /// How names of the model begin, in lower case and without an organisation.
  let prefix: String
  /// As published.
  package let parameters: String, protocolText: String, accuracy: String, time: String
  /// Whether the position of the right option gave it away.
  package let isGivenAway: Bool

  /// The data set that they are for.
  static let datasetDigest = "ab61f4200e9c43d049b91e3de41878ea7a33e21ad395f0bf78beeb5bdc06e730"

  package static let all = [
    PublishedResult(
      model: "Qwen2.5-7B LoRA", prefix: "qwen2.5-7b", parameters: "7.66B (40.4M trainable)",
      protocolText: "50 held out", accuracy: "100.00 %", time: "~7.7 min", isGivenAway: true),
    PublishedResult(
      model: "Qwen3-8B LoRA", prefix: "qwen3-8b", parameters: "8.23B (43.6M trainable)",
      protocolText: "50 held out", accuracy: "100.00 %", time: "~10 min", isGivenAway: true),
    PublishedResult(
      model: "BERT-large", prefix: "bert-large", parameters: "340M", protocolText: "5 folds",
      accuracy: "46.6 ± 6.3 %", time: "~7.8 min", isGivenAway: false),
    PublishedResult(
      model: "RoBERTa-base", prefix: "roberta-base", parameters: "125M", protocolText: "5 folds",
      accuracy: "40.0 ± 6.5 %", time: "~3.2 min", isGivenAway: false),
    PublishedResult(
      model: "DistilBERT", prefix: "distilbert", parameters: "66M", protocolText: "5 folds",
      accuracy: "31.4 ± 3.3 %", time: "~1.7 min", isGivenAway: false),
  ]

  /// Whether `name`, a hub name or the name of a folder, is a model of this row.
  package func names(_ name: String) -> Bool {
    let last = name.split(separator: "/").last ?? ""
    return last.lowercased().replacing("_", with: "-").hasPrefix(prefix)
  }

  package static let leak = """
    The published 100 % of the two Qwen runs mean nothing: in the file of Recipe-MPR the right option is the first of \
    all 500 questions, and those runs gave the options their letters in the order of the file. The right letter was \
    always A, in training and in the test, and answering A without reading scores the same. The encoders' figures are \
    free of this, because their head sees one option at a time.
    """
  package static let times = """
    The published times are of other machines; those of the encoders belong to single runs on a larger, augmented \
    training set and not to the five folds.
    """
}
