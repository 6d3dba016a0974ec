package import Model

/// A folder with the files of a run that nobody has trained.
package struct RunFiles {
  private let folder: TemporaryFolder
  package var path: String { folder.path + "/" + name }
  package let name: String

  package init(_ name: String = "first") throws {
    folder = try TemporaryFolder()
    self.name = name
    try write("learning_rate: 0.001  # command line\nseed: 42  # default\n", to: "config.yaml")
  }

  package func write(_ text: String, to file: String) throws {
    try folder.write(text, to: name + "/" + file)
  }

  /// Lines of the log, with a validation after every tenth step.
  package func writeLog(steps: Int) throws {
    var text = ""
    for step in 1...steps {
      text += #"{"step": \#(step), "epoch": 0.5, "loss": \#(3.0 / Double(step) + 1), "#
      text += #""grad_norm": 0.5, "learning_rate": 0.001, "tokens": 200, "seconds": 2.0, "#
      text += #""total_steps": \#(steps)}\#n"#
      if step % 10 == 0 { text += #"{"step": \#(step), "epoch": 0.5, "eval_loss": 1.5}\#n"# }
    }
    try write(text, to: "metrics.jsonl")
  }

  package struct Answer {
    package var question: String
    package var options = ["bread", "soup", "rice"]
    package var right = 0
    package var picked: Int? = 0
    package var types = ["Specific"]

    package init(_ question: String, right: Int = 0, picked: Int? = 0) {
      (self.question, self.right, self.picked) = (question, right, picked)
    }

    var json: JSONValue {
      .object([
        "index": .integer(7), "question": .string(question),
        "choices": .array(options.map(JSONValue.string)), "correct_idx": .integer(right),
        "predicted_idx": picked.map(JSONValue.integer) ?? .null,
        "is_correct": .bool(picked == right), "generated_text": .null,
        "scores": .array([.double(-0.5), .double(-1.5), .double(-2.5)]),
        "query_types": .array(types.map(JSONValue.string)),
      ])
    }
  }

  /// results.json of these answers.
  package func writeResults(
    _ answers: [Answer], more: JSONObject = [:], metrics: JSONObject = [:], in folder: String = ""
  ) throws {
    let correct = answers.count { $0.picked == $0.right }
    let tally: JSONValue = .object([
      "correct": .integer(correct), "total": .integer(answers.count),
    ])
    var all: JSONObject = [
      "overall": tally, "query_types": .object(["Specific": tally]),
      "chance_accuracy": .double(100.0 / 3),
      "constant_answer": .object(["letter": .string("A"), "accuracy": .double(40)]),
    ]
    for (key, value) in zip(metrics.keys, metrics.values) { all[key] = value }
    var results: JSONObject = [
      "score": .string("letter"), "option_order": .string("shuffled"), "metrics": .object(all),
      "predictions": .array(answers.map(\.json)),
    ]
    for (key, value) in zip(more.keys, more.values) { results[key] = value }
    try write(JSONValue.object(results).text(indent: 2), to: folder + "results.json")
  }
}
