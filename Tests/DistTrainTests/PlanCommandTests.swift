import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct PlanCommandTests {
  private static let qwen25 = JSONValue.object([
    "model_type": .string("qwen2"), "hidden_size": .integer(3584),
    "intermediate_size": .integer(18944), "num_hidden_layers": .integer(28),
    "num_attention_heads": .integer(28), "num_key_value_heads": .integer(4),
    "vocab_size": .integer(152_064), "tie_word_embeddings": .bool(false),
    "rms_norm_eps": .double(1e-6), "rope_theta": .double(1e6),
    "torch_dtype": .string("bfloat16"),
  ])

  private static func plan(_ arguments: [String], ranks: Int? = nil) throws -> JSONValue {
    let result = try CommandRunner.run("disttrain", ["plan", "--json"] + arguments, ranks: ranks)
    try #require(result.status == 0, "\(result.errorOutput)")
    return try JSONParser.parse(result.output)
  }

  @Test func `memory of the published model follows from config_json alone`() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(Self.qwen25.text(), to: "config.json")
    let model = try ModelSizes(
      folder.path,
      LoRAConfiguration(rank: 16, alpha: 32, dropout: 0, targets: Projection.allCases))
    #expect(!model.hasWeights && model.weightBytes == 2 * 7_615_616_512)
    #expect(model.layout.count == 40_370_176)
    let training = ActivationPlan(tokens: 200, sequence: 200, targets: 199, keepsForBackward: true)
    let memory = MemoryEstimate(
      model, training: training, scoring: training, .float32, program: 0)
    #expect(memory.arenas == 12 * 40_370_176 && memory.exactSum == 8 * 40_370_177)
    // 28 layers x 200 tokens x about 51,000 floats, and what one layer needs at a time.
    #expect((1_250_000_000...1_350_000_000).contains(memory.activations))
    #expect(
      memory.perHost(ranks: 2) == model.weightBytes + memory.arenas + memory.exactSum
        + 2 * memory.perRank + memory.saving)
  }

  @Test func `a model without weights is timed with zeros in its shapes`() throws {
    let tiny = try TinyRun()
    try FileManager.default.removeItem(atPath: tiny.folder + "/model.safetensors")
    try FileManager.default.removeItem(atPath: tiny.folder + "/tokenizer.json")
    let plan = try Self.plan([
      "model_name_or_path=\(tiny.folder)", "--tokens", "40", "--sequences", "64",
      "num_train_epochs=3", "--hosts", "4", "--bandwidth", "1",
    ])
    #expect(plan["steps"]?.intValue == 12)
    #expect(plan["hosts"]?.intValue == 4)
    #expect(plan["tokens_per_step"]?.doubleValue == 640)
    #expect(plan["probe"]?.arrayValue?.map { $0["tokens"]?.intValue } == [40])
    #expect(plan["scaling"]?.arrayValue?.count == 21)
    let step = try #require(plan["step"]?["compute_seconds"]?.doubleValue)
    #expect(step > 0)
  }

  @Test func `token counts are estimated where there are questions but no tokenizer`() throws {
    let tiny = try TinyRun()
    try FileManager.default.removeItem(atPath: tiny.folder + "/tokenizer.json")
    let plan = try Self.plan(tiny.settings("plan"))
    #expect(plan["steps"]?.intValue == 8)
    // Prompts of about 150 bytes, five to a window.
    let tokens = try #require(plan["tokens_per_step"]?.doubleValue)
    #expect((100...300).contains(tokens))
  }

  @Test(.enabled(if: CommandRunner.hasMPI, "mpirun is not installed"))
  func `two ranks measure the network between them`() throws {
    let tiny = try TinyRun()
    let plan = try Self.plan(tiny.settings("plan") + ["--probe-seconds", "1"], ranks: 2)
    #expect(plan["ranks_per_host"]?.intValue == 2)
    #expect(plan["network"]?["source"]?.stringValue == "measured within this host")
    #expect(try #require(plan["network"]?["local_bytes_per_second"]?.doubleValue) > 0)
    #expect(try #require(plan["step"]?["all_reduce_seconds"]?.doubleValue) > 0)
  }

  @Test func `an encoder is planned for, weights or none, in the first fold of several`() throws {
    let tiny = try TinyEncoderRun()
    try FileManager.default.removeItem(atPath: tiny.folder + "/model.safetensors")
    let folds = ["folds=\(tiny.folder)/folds.json", "train_ratio=1", "val_ratio=0", "test_ratio=0"]
    for settings in [[], folds] {
      let plan = try Self.plan(tiny.settings("plan", settings) + ["--hosts", "2"])
      let count = try #require(plan["trainable_parameters"]?.intValue)
      #expect(plan["base_parameters"]?.intValue == count)
      #expect(plan["memory"]?["arenas"]?.intValue == 12 * count)
      #expect(plan["memory"]?["gradients"]?.intValue == 4 * count)
      #expect(plan["memory"]?["weights"]?.intValue == 0)
      #expect(plan["probe"]?.arrayValue?.count == 3)
      #expect(try #require(plan["step"]?["compute_seconds"]?.doubleValue) > 0)
    }
    let without = try CommandRunner.run("disttrain", ["plan", "model_name_or_path=\(tiny.folder)"])
    #expect(without.status == 78 && without.errorOutput.contains("needs dataset_path"))
  }

  @Test(arguments: [false, true])
  func `the report fits eighty columns`(isEncoder: Bool) throws {
    let (tiny, encoder) = (try TinyRun(), try TinyEncoderRun())
    let settings = isEncoder ? encoder.settings("plan") : tiny.settings("plan")
    let result = try CommandRunner.run("disttrain", ["plan"] + settings)
    #expect(result.status == 0, "\(result.errorOutput)")
    for line in result.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    #expect(result.output.contains("\n   64 "))
  }

  @Test(arguments: [
    ("max_length=99", "78", "give model_name_or_path"),
    ("model_name_or_path=/nowhere", "66", "/nowhere/config.json does not exist"),
    ("--hosts=0", "64", "--hosts is too small"),
    ("--bandwidth=-1", "64", "--bandwidth"),
    ("no_such_key=1", "78", "no_such_key"),
  ])
  func `what is missing or wrong is told`(argument: String, code: String, reason: String) throws {
    let result = try CommandRunner.run("disttrain", ["plan", argument])
    #expect(String(result.status) == code)
    #expect(result.errorOutput.contains(reason), "\(result.errorOutput)")
  }

  @Test(arguments: [
    (0, "0 s"), (59, "59 s"), (250, "4 min 10 s"), (12_000, "3 h 20 min"), (200_000, "2 d 7 h"),
  ])
  func `durations are told in two units`(seconds: Int, text: String) {
    #expect(Plan.duration(Double(seconds)) == text)
  }
}
