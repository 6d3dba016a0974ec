internal import Foundation
package import Model

/// A tiny random encoder in a folder with its tokenizer, a few questions, and the settings of a short run on them.
package final class TinyEncoderRun {
  private let storage: TemporaryFolder
  package let folder: String
  package let family: String
  package static let questionCount = 24

  package init(_ family: String = "bert") throws {
    self.family = family
    storage = try TemporaryFolder()
    folder = storage.path
    let vocabulary = family == "roberta" ? 264 : Self.words.count
    let tiny = try TinyEncoder(family, vocabulary: vocabulary, dropout: 0.2)
    try storage.write(
      TinyEncoder.config(family, 12, 2, 20, vocabulary, 0.2), to: "config.json")
    try storage.write(
      SafetensorsWriter.bytes(
        tiny.model.layout.tensors.map {
          SafetensorsWriter.Tensor(
            name: $0.name, shape: $0.shape, values: Array(tiny.parameters[$0.range]))
        }), to: "model.safetensors")
    if family == "roberta" {
      try storage.write(Self.byteTokenizer.text(), to: "tokenizer.json")
    } else {
      try storage.write(Self.words.joined(separator: "\n") + "\n", to: "vocab.txt")
    }
    try storage.write(Self.questions.text(), to: "questions.json")
    try storage.write(Self.folds.text(), to: "folds.json")
  }

  package func write(_ text: String, to name: String) throws { try storage.write(text, to: name) }

  package func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: folder + "/" + path)))
  }

  /// Letters and digits alone, at a word's start and within it.
  private static let words: [String] = {
    let characters = "abcdefghijklmnopqrstuvwxyz0123456789".map(String.init)
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "?"] + characters
      + characters.map { "##" + $0 }
  }()

  private static var byteTokenizer: JSONValue {
    var object = ByteTokenizer.json.objectValue ?? [:]
    func token(_ name: String, _ id: Int) -> JSONValue { .array([.string(name), .integer(id)]) }
    object["post_processor"] = .object([
      "type": .string("RobertaProcessing"), "cls": token("<s>", 262), "sep": token("</s>", 263),
      "trim_offsets": .bool(true), "add_prefix_space": .bool(false),
    ])
    object["added_tokens"] = .array(
      [("<s>", 262), ("</s>", 263)].map { name, id in
        .object([
          "id": .integer(id), "content": .string(name), "single_word": .bool(false),
          "lstrip": .bool(false), "rstrip": .bool(false), "normalized": .bool(false),
          "special": .bool(true),
        ])
      })
    return .object(object)
  }

  /// Every fourth question is labelled Negated.
  private static var questions: JSONValue {
    .array(
      (TinyRun.questions(questionCount).arrayValue ?? []).enumerated().map { index, question in
        var object = question.objectValue ?? [:]
        object["query_type"] = .object([
          "Specific": .integer(index % 2), "Negated": .integer(index % 4 == 0 ? 1 : 0),
        ])
        return .object(object)
      })
  }

  /// Three folds of sixteen questions to train on and eight held out.
  private static var folds: JSONValue {
    func list(_ indices: some Sequence<Int>) -> JSONValue {
      .array(indices.map(JSONValue.integer))
    }
    return .array(
      (0..<3).map { fold in
        let held = 8 * fold..<8 * fold + 8
        return .array([
          list((0..<questionCount).filter { !held.contains($0) }), .array([]), list(held),
        ])
      })
  }

  /// Settings of eight steps with dropout, smoothing, clipping, warmup and short last windows.
  package func settings(_ output: String, _ more: [String] = []) -> [String] {
    [
      "model_name_or_path=\(folder)", "dataset_path=\(folder)/questions.json",
      "output_dir=\(folder)/\(output)", "num_train_epochs=2", "gradient_accumulation_steps=3",
      "per_device_train_batch_size=2", "learning_rate=0.01", "warmup_steps=2",
      "label_smoothing_factor=0.1", "logging_steps=1", "save_steps=1", "eval_strategy=epoch",
      "max_length=40", "max_grad_norm=0.5",
    ] + more
  }

  /// The bytes of the newest checkpoint.
  package func lastCheckpoint(_ output: String) throws -> [UInt8] {
    let names = try FileManager.default.contentsOfDirectory(
      atPath: "\(folder)/\(output)/checkpoints")
    return try bytes("\(output)/checkpoints/\(names.max() ?? "none")")
  }

  /// The lines of metrics.jsonl without what depends on the clock.
  package func metrics(_ output: String) throws -> [JSONValue] {
    let clock = Set([
      "seconds", "current_steps", "total_steps", "percentage", "elapsed_time", "remaining_time",
      "throughput",
    ])
    return try String(decoding: bytes(output + "/metrics.jsonl"), as: UTF8.self)
      .split(separator: "\n").map { line in
        let object = try JSONParser.parse(Array(line.utf8)).objectValue ?? [:]
        var kept = JSONObject()
        for (key, value) in zip(object.keys, object.values) where !clock.contains(key) {
          kept[key] = value
        }
        return .object(kept)
      }
  }
}
