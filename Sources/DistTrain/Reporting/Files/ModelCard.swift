internal import Model

/// The README.md of an adapter's or a trained model's folder: what model hubs read of it, and what a person wants to know first.
///
/// It depends on the configuration and the score alone, not on where or when the run was.
package struct ModelCard {
  private let configuration: RunConfiguration
  private let result: EvaluationResult

  package init(_ configuration: RunConfiguration, _ result: EvaluationResult) {
    self.configuration = configuration
    self.result = result
  }

  package var text: String {
    "---\n\(frontMatter)---\n\n\(body)"
  }

  /// The base model as hubs call it: a cache folder's name holds it, another folder's own name is all there is.
  package static func modelName(ofPath path: String) -> String {
    let parts = path.split(separator: "/")
    if let repository = parts.last(where: { $0.hasPrefix("models--") }) {
      let name = String(repository.dropFirst("models--".count))
      return name.replacing("--", with: "/", maxReplacements: 1)
    }
    return parts.last { $0 != "." && $0 != ".." }.map(String.init) ?? path
  }

  private var baseModel: String { Self.modelName(ofPath: configuration.modelPath) }

  private var dataset: String {
    let name = configuration.datasetPath.split(separator: "/").last ?? "questions"
    return String(name.hasSuffix(".json") ? name.dropLast(5) : name)
  }

  /// A YAML scalar in double quotes, which for what a JSON text may hold is the same.
  private static func quoted(_ text: String) -> String { JSONValue.string(text).text() }

  private var frontMatter: String {
    let isEncoder = configuration.isEncoder
    let method = isEncoder ? ["base_model:finetune:"] : ["base_model:adapter:", "lora"]
    let tags = ([method[0] + baseModel] + method.dropFirst() + ["multiple-choice"]).sorted()
    return """
      base_model: \(Self.quoted(baseModel))
      library_name: \(isEncoder ? "transformers" : "peft")
      pipeline_tag: \(isEncoder ? "multiple-choice" : "text-generation")
      tags:
      \(tags.map { "- \(Self.quoted($0))\n" }.joined())datasets:
      - \(Self.quoted(dataset))
      metrics:
      - accuracy
      model-index:
      - name: \(Self.quoted(baseModel + (isEncoder ? "" : " LoRA")))
        results:
        - task:
            type: multiple-choice
            name: "Multiple choice"
          dataset:
            type: \(Self.quoted(dataset))
            name: \(Self.quoted(dataset + ", held-out questions"))
          metrics:
      \(rows.map(Self.metric).joined())
      """
  }

  /// Overall and by type, as far as there are questions.
  private var rows: [(name: String, tally: EvaluationResult.Tally)] {
    ([("all questions", result.overall)] + result.byType).filter { $0.tally.total > 0 }
  }

  private static func metric(_ row: (name: String, tally: EvaluationResult.Tally)) -> String {
    let name = row.name == "all questions" ? "accuracy" : "accuracy, \(row.name)"
    let interval = row.tally.interval
    return """
          - type: accuracy
            name: \(quoted(name))
            value: \(row.tally.share)
            correct: \(row.tally.correct)
            total: \(row.tally.total)
            wilson_95: [\(interval.low), \(interval.high)]

      """
  }

  private static func percent(_ share: Double) -> String { Console.fixed(100 * share, 1) }

  private static func line(_ row: (name: String, tally: EvaluationResult.Tally)) -> String {
    let interval = row.tally.interval
    return "| \(Markdown.cell(row.name)) | \(percent(row.tally.share)) %"
      + " | \(percent(interval.low))–\(percent(interval.high)) %"
      + " | \(row.tally.correct) of \(row.tally.total) |\n"
  }

  private var body: String {
    let constant = result.constantAnswer
    return """
      # \(configuration.isEncoder ? "Multiple choice with" : "LoRA adapter for") \(Markdown.text(baseModel))

      Trained by disttrain \(DistTrain.version) on \(Markdown.text(dataset)).

      | held-out questions | accuracy | 95 % interval | right |
      |---|---|---|---|
      \(rows.map(Self.line).joined())
      Picking at random scores \(Self.percent(result.chance)) %, always answering \(constant.letter) \
      \(Self.percent(constant.share)) %. A question may be of several types.

      | setting | value |
      |---|---|
      \(settings.map { "| \($0) | \($1) |\n" }.joined())
      ```python
      \(configuration.isEncoder ? Self.encoderCode : adapterCode)
      ```

      """
  }

  private var settings: [(String, String)] {
    let more = [
      ("option_order", configuration.optionOrder.rawValue),
      ("precision", configuration.precision.rawValue),
    ]
    guard !configuration.isEncoder else {
      return [
        ("label_smoothing_factor", "\(configuration.labelSmoothing)"),
        ("max_length", "\(configuration.maximumLength)"),
      ] + more
    }
    let lora = configuration.lora
    let modules = configuration.values["lora_target_modules"]?.text ?? "all-linear"
    return [
      ("rank, alpha, dropout", "\(lora.rank), \(lora.alpha), \(lora.dropout)"),
      ("projections", Markdown.cell(modules)),
      (
        "prompt_template, score",
        "\(configuration.promptTemplate.rawValue), \(configuration.score.rawValue)"
      ),
    ] + more
  }

  private var adapterCode: String {
    """
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(\(Self.quoted(baseModel)))
    model = PeftModel.from_pretrained(model, "path/of/this/folder")
    """
  }

  private static let encoderCode = """
    from transformers import AutoModelForMultipleChoice, AutoTokenizer

    model = AutoModelForMultipleChoice.from_pretrained("path/of/this/folder")
    tokenizer = AutoTokenizer.from_pretrained("path/of/this/folder")
    """
}
