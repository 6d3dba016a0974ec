internal import Foundation
package import Model

/// A tiny random model with a tokenizer of bytes, a few questions, and the settings of a short run on them.
package final class TinyRun {
  private let tiny: TinyQwen
  package let folder: String

  package convenience init() throws {
    try self.init(
      TinyQwen(vocabulary: 264, hidden: 16, layers: 2, heads: 2, kvHeads: 1, intermediate: 24))
  }

  /// A model of sizes and number type for which micro-batches can share a pass.
  package convenience init(joiningIn precision: Precision) throws {
    try self.init(
      TinyQwen(
        vocabulary: 320, hidden: 64, heads: 8, kvHeads: 8, intermediate: 128,
        elementType: precision == .bfloat16 ? .bfloat16 : .float32))
  }

  private init(_ tiny: TinyQwen) throws {
    self.tiny = tiny
    folder = tiny.folder
    try write("tokenizer.json", ByteTokenizer.json)
    try write("questions.json", Self.questions(24))
  }

  package var model: QwenConfiguration { tiny.configuration }

  private func write(_ name: String, _ json: JSONValue) throws { try write(json.text(), to: name) }

  /// Writes a file into the model folder.
  package func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(filePath: folder + "/" + name))
  }

  /// Settings of seven steps with dropout, shuffling, clipping, warmup and short last windows.
  package func settings(_ output: String, _ more: [String] = []) -> [String] {
    [
      "model_name_or_path=\(folder)", "dataset_path=\(folder)/questions.json",
      "output_dir=\(folder)/\(output)", "num_train_epochs=2", "gradient_accumulation_steps=5",
      "per_device_train_batch_size=1", "lora_r=3", "lora_dropout=0.2", "learning_rate=0.01",
      "warmup_steps=2", "logging_steps=2", "save_steps=1", "eval_steps=3", "max_length=400",
      "option_order=reshuffled", "max_grad_norm=0.5",
    ] + more
  }

  package func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: folder + "/" + path)))
  }

  /// The bytes of the newest checkpoint.
  package func lastCheckpoint(_ output: String) throws -> [UInt8] {
    let names = try FileManager.default.contentsOfDirectory(
      atPath: "\(folder)/\(output)/checkpoints")
    return try bytes("\(output)/checkpoints/\(names.max() ?? "none")")
  }

  /// metrics.jsonl without the times.
  package func metrics(_ output: String) throws -> [String] {
    String(decoding: try bytes(output + "/metrics.jsonl"), as: UTF8.self).split(separator: "\n").map
    {
      String($0.prefix(upTo: $0.range(of: ", \"seconds\"")?.lowerBound ?? $0.endIndex))
    }
  }

  /// Questions in the data set's schema, the right option always first.
  package static func questions(_ count: Int) -> JSONValue {
    .array(
      (0..<count).map { index in
        var options = JSONObject()
        for option in 0..<5 {
          options["id\(index)\(option)"] = .string("dish \(index * 7 + option)")
        }
        return .object([
          "query": .string("What about \(index)?"),
          "query_type": .object([
            "Specific": .integer(index % 2), "Commonsense": .integer(index % 3 == 0 ? 1 : 0),
          ]),
          "options": .object(options), "answer": .string("id\(index)0"),
          "correctness_explanation": .object([:]),
        ])
      })
  }
}
