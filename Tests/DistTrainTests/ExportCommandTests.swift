import Foundation
import Model
import TestSupport
import Testing

struct ExportCommandTests {
  private static func trained(_ more: [String] = []) throws -> TinyRun {
    let tiny = try TinyRun()
    let result = try CommandRunner.run(
      "disttrain",
      ["train"] + tiny.settings("run", ["max_steps=4", "save_steps=2", "eval_steps=0"] + more))
    try #require(result.status == 0, "\(result.errorOutput)")
    return tiny
  }

  private static func run(_ tiny: TinyRun, _ words: [String]) throws -> CommandResult {
    try CommandRunner.run("disttrain", words.map { $0.replacing("@", with: tiny.folder + "/") })
  }

  @Test func `the adapter of a checkpoint is the adapter of the run`() throws {
    let tiny = try Self.trained(["lora_alpha=5", "lora_target_modules=q_proj,down_proj"])
    let result = try Self.run(tiny, ["export", "@run", "--output", "@out"])
    #expect(result.status == 0, "\(result.errorOutput)")
    for file in ["adapter_model.safetensors", "adapter_config.json"] {
      #expect(try tiny.bytes("out/\(file)") == tiny.bytes("run/adapter/\(file)"), "\(file)")
    }
    let older = try Self.run(
      tiny, ["export", "@run/checkpoints/step-000002.h5", "--output", "@older"])
    #expect(older.status == 0 && older.output.contains("of step 2"), "\(older.errorOutput)")
    #expect(
      try tiny.bytes("older/adapter_model.safetensors")
        != tiny.bytes("out/adapter_model.safetensors"))
  }

  @Test func `a merged model scores as base and adapter do together`() throws {
    let tiny = try Self.trained()
    let merged = try Self.run(tiny, ["export", "@run", "--output", "@merged", "--merge"])
    try #require(merged.status == 0, "\(merged.errorOutput)")
    let evaluated = try Self.run(
      tiny,
      ["evaluate", "@run", "model_name_or_path=@merged", "init_adapter=none", "output_dir=@again"])
    try #require(evaluated.status == 0, "\(evaluated.errorOutput)")
    let (ours, theirs) = (try Self.scores(tiny, "run"), try Self.scores(tiny, "again"))
    #expect(ours.count == theirs.count && !ours.isEmpty)
    #expect(relativeError(theirs, ours) < 1e-5)
    #expect(try tiny.bytes("merged/config.json") == tiny.bytes("config.json"))
  }

  /// All scores of all questions.
  private static func scores(_ tiny: TinyRun, _ output: String) throws -> [Float] {
    String(decoding: try tiny.bytes(output + "/predictions.jsonl"), as: UTF8.self)
      .split(separator: "\n").flatMap { line -> [Float] in
        let json = try? JSONParser.parse(String(line))
        return json?["scores"]?.arrayValue?.compactMap { $0.doubleValue.map(Float.init) } ?? []
      }
  }

  @Test func `the encoder of a checkpoint is the model of the run`() throws {
    let tiny = try TinyEncoderRun()
    func run(_ words: [String]) throws -> CommandResult {
      try CommandRunner.run("disttrain", words.map { $0.replacing("@", with: tiny.folder + "/") })
    }
    let trained = try run(["train"] + tiny.settings("run", ["max_steps=4", "save_steps=2"]))
    try #require(trained.status == 0, "\(trained.errorOutput)")
    let result = try run(["export", "@run", "--output", "@out"])
    #expect(result.status == 0 && result.output.contains("of step 4"), "\(result.errorOutput)")
    for file in ["model.safetensors", "config.json", "vocab.txt"] {
      #expect(try tiny.bytes("out/\(file)") == tiny.bytes("run/model/\(file)"), "\(file)")
    }
    let older = try run(["export", "@run/checkpoints/step-000002.h5", "--output", "@older"])
    #expect(older.status == 0, "\(older.errorOutput)")
    #expect(try tiny.bytes("older/model.safetensors") != tiny.bytes("out/model.safetensors"))
    let merged = try run(["export", "@run", "--output", "@merged", "--merge"])
    #expect(merged.status == 64 && merged.errorOutput.contains("leave out --merge"))
  }

  @Test func `a folder in use, another model and a missing run are refused`() throws {
    let tiny = try Self.trained()
    let used = try Self.run(tiny, ["export", "@run", "--output", "@run"])
    #expect(used.status == 73 && used.errorOutput.contains("is not empty"))
    let other = try TinyQwen(vocabulary: 264, hidden: 24, layers: 3)
    let wrong = try Self.run(
      tiny, ["export", "@run", "--output", "@x", "--model", other.folder])
    #expect(wrong.status == 65 && wrong.errorOutput.contains("--model"), "\(wrong.errorOutput)")
    let missing = try Self.run(tiny, ["export", "@nowhere", "--output", "@y"])
    #expect(missing.status == 66, "\(missing.errorOutput)")
    #expect(!FileManager.default.fileExists(atPath: tiny.folder + "/x"))
  }

  @Test func `verify tells good files from a damaged one`() throws {
    let tiny = try Self.trained()
    let good = try Self.run(tiny, ["verify", "@run", tiny.folder])
    #expect(good.status == 0, "\(good.output)")
    #expect(good.output.split(separator: "\n").count == 4 && !good.output.contains("BAD"))
    let path = tiny.folder + "/run/checkpoints/step-000002.h5"
    var bytes = try tiny.bytes("run/checkpoints/step-000002.h5")
    bytes[bytes.count / 2] ^= 4
    try Data(bytes).write(to: URL(filePath: path))
    let bad = try Self.run(tiny, ["verify", "@run"])
    #expect(bad.status == 65)
    let lines = bad.output.split(separator: "\n")
    #expect(lines.count { $0.hasPrefix("BAD") } == 1 && lines.count { $0.hasPrefix("good") } == 2)
    #expect(bad.output.contains("step-000002.h5"))
  }
}
