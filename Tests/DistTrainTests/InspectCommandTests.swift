import Foundation
import Model
import TestSupport
import Testing

struct InspectCommandTests {
  private static func config(_ values: JSONObject) -> String { JSONValue.object(values).text() }

  private static let qwen25: JSONObject = [
    "model_type": .string("qwen2"), "hidden_size": .integer(3584),
    "intermediate_size": .integer(18944), "num_hidden_layers": .integer(28),
    "num_attention_heads": .integer(28), "num_key_value_heads": .integer(4),
    "vocab_size": .integer(152_064), "tie_word_embeddings": .bool(false),
    "rms_norm_eps": .double(1e-6), "rope_theta": .double(1e6),
  ]
  private static let qwen3: JSONObject = [
    "model_type": .string("qwen3"), "hidden_size": .integer(4096),
    "intermediate_size": .integer(12288), "num_hidden_layers": .integer(36),
    "num_attention_heads": .integer(32), "num_key_value_heads": .integer(8),
    "head_dim": .integer(128), "vocab_size": .integer(151_936),
    "tie_word_embeddings": .bool(false), "rms_norm_eps": .double(1e-6),
    "rope_theta": .double(1e6),
  ]

  private static func inspect(_ path: String, _ more: [String] = []) throws -> CommandResult {
    try CommandRunner.run("disttrain", ["inspect", path] + more)
  }

  private static func inspect(config: JSONObject, _ more: [String] = []) throws -> CommandResult {
    let folder = try TemporaryFolder()
    _ = try folder.write(Self.config(config), to: "config.json")
    return try inspect(folder.path, more)
  }

  private static func value(_ name: String, _ result: CommandResult) -> String? {
    let line = result.output.split(separator: "\n").first { $0.hasPrefix(name + " ") }
    return line.map { $0.dropFirst(name.count).trimmingCharacters(in: .whitespaces) }
  }

  @Test func `the published counts follow from config_json alone`() throws {
    let seven = try Self.inspect(config: Self.qwen25)
    #expect(seven.status == 0, "\(seven.errorOutput)")
    #expect(Self.value("base parameters", seven) == "7,615,616,512")
    #expect(
      Self.value("trainable", seven) == "40,370,176 of 7,655,986,688 (0.527 %), rank 16")
    #expect(Self.value("weights", seven) == "none here; counted from config.json")
    #expect(Self.value("heads", seven) == "28 query, 4 key/value, size 128")
    let eight = try Self.inspect(config: Self.qwen3)
    #expect(Self.value("base parameters", eight) == "8,190,735,360")
    #expect(
      Self.value("trainable", eight) == "43,646,976 of 8,234,382,336 (0.530 %), rank 16")
  }

  @Test func `rank and target modules change the count`() throws {
    let result = try Self.inspect(
      config: Self.qwen25, ["--lora-r", "8", "--lora-target-modules", "q_proj, v_proj"])
    // 28 layers x 8 x ((3584 + 3584) + (3584 + 512))
    #expect(Self.value("trainable", result)?.hasPrefix("2,523,136 of ") == true)
    #expect(Self.value("trainable", result)?.hasSuffix("rank 8") == true)
  }

  @Test(arguments: [
    (
      ["--lora-target-modules", "q_proj,query"], 78,
      "target module 'query' matches nothing; known are q_proj"
    ),
    (["--lora-target-modules", ""], 78, "no target module; known are"),
    (["--lora-r", "0"], 78, "--lora-r is 0; expected a whole number from 1 to 65536"),
    (["--lora-r", "many"], 64, "'many' is invalid"),
  ])
  func `a wrong adapter is refused`(arguments: [String], status: Int32, reason: String) throws {
    let result = try Self.inspect(config: Self.qwen25, arguments)
    #expect(result.status == status)
    #expect(result.errorOutput.contains(reason), "\(result.errorOutput)")
    #expect(result.output.isEmpty, "\(result.output)")
  }

  @Test func `a model with weights is checked whole`() throws {
    let tiny = try TinyQwen()
    let result = try Self.inspect(tiny.folder)
    #expect(result.status == 0, "\(result.errorOutput)")
    #expect(Self.value("weights", result)?.hasSuffix(" tensors, complete") == true)
    let weights = URL(filePath: tiny.folder + "/model.safetensors")
    try Data(contentsOf: weights).dropLast(64).write(to: weights)
    let damaged = try Self.inspect(tiny.folder)
    #expect(damaged.status == 65)
    #expect(damaged.errorOutput.contains("model.safetensors"), "\(damaged.errorOutput)")
  }

  @Test func `a run's adapter and checkpoint are shown, the run itself says where they are`() throws
  {
    let tiny = try TinyRun()
    let trained = try CommandRunner.run(
      "disttrain", ["train"] + tiny.settings("run", ["max_steps=1"]))
    try #require(trained.status == 0, "\(trained.errorOutput)")
    let adapter = try Self.inspect(tiny.folder + "/run/adapter")
    #expect(adapter.status == 0, "\(adapter.errorOutput)")
    #expect(Self.value("adapter", adapter)?.hasPrefix("LoRA, rank 3, alpha 32") == true)
    #expect(Self.value("base model", adapter) == tiny.folder)
    #expect(Self.value("tensors", adapter) == "28")
    let checkpoint = try Self.inspect(tiny.folder + "/run/checkpoints/step-000001.h5")
    #expect(Self.value("checkpoint", checkpoint) == "verified")
    #expect(Self.value("step", checkpoint) == "1 of 1")
    #expect(Self.value("parameters", checkpoint) == Self.value("parameters", adapter))
    let run = try Self.inspect(tiny.folder + "/run")
    #expect(run.status == 65)
    #expect(run.errorOutput.contains("is the folder of a run; give its adapter"))
  }

  @Test func `what is none of them is refused with its reason`() throws {
    let folder = try TemporaryFolder()
    let text = try folder.write("hello", to: "notes.txt")
    let bad = try TemporaryFolder()
    _ = try bad.write("{\"model_type\": \"bert\"}", to: "config.json")
    let broken = try TemporaryFolder()
    _ = try broken.write("{", to: "adapter_config.json")
    for (path, status, reason) in [
      (folder.path + "/none", 66, "does not exist; give a model folder"),
      (folder.path, 65, "has neither config.json (a model) nor adapter_config.json"),
      (text, 65, "notes.txt"), (bad.path, 65, "bert"),
      (broken.path, 65, "adapter_config.json: line 1"),
    ] as [(String, Int32, String)] {
      let result = try Self.inspect(path)
      #expect(result.status == status, "\(path): \(result.errorOutput)")
      #expect(result.errorOutput.hasPrefix("error: "))
      #expect(result.errorOutput.contains(reason), "\(result.errorOutput)")
    }
  }
}
