import Foundation
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: CommandRunner.hasMPI, "mpirun is not installed"))
struct RankCountTests {
  private static func train(_ tiny: TinyRun, _ output: String, ranks: Int?) throws {
    let result = try CommandRunner.run("disttrain", ["train"] + tiny.settings(output), ranks: ranks)
    try #require(result.status == 0, "\(result.errorOutput)")
  }

  @Test func `one to seven ranks give the same adapter, checkpoint, metrics and predictions`()
    throws
  {
    let tiny = try TinyRun()
    try Self.train(tiny, "alone", ranks: nil)
    for ranks in [1, 2, 3, 4, 7] {
      let output = "ranks\(ranks)"
      try Self.train(tiny, output, ranks: ranks)
      for file in ["adapter/adapter_model.safetensors", "predictions.jsonl", "results.json"] {
        #expect(
          try tiny.bytes("\(output)/\(file)") == tiny.bytes("alone/\(file)"),
          "\(ranks) ranks: \(file)")
      }
      #expect(try tiny.metrics(output) == tiny.metrics("alone"))
    }
  }

  @Test func `a run whose rank is killed continues to the bytes of an undisturbed one`() throws {
    let tiny = try TinyRun()
    try Self.train(tiny, "whole", ranks: 2)
    var interrupted = 0
    for (attempt, ranks) in [1, 3, 2].enumerated() {
      let output = "killed\(attempt)"
      let job = try CommandRunner.start("disttrain", ["train"] + tiny.settings(output), ranks: 2)
      let wanted = "\(tiny.folder)/\(output)/checkpoints/step-00000\(2 * attempt + 1).h5"
      while job.isRunning && !FileManager.default.fileExists(atPath: wanted) {
        usleep(500)
      }
      if let victim = Self.children(of: job.identifier).last {
        kill(victim, SIGKILL)
      }
      if job.wait().status != 0 { interrupted += 1 }
      let resumed = try CommandRunner.run(
        "disttrain", ["train"] + tiny.settings(output, ["resume_from_checkpoint=auto"]),
        ranks: ranks)
      try #require(resumed.status == 0, "\(resumed.errorOutput)")
      let file = "adapter/adapter_model.safetensors"
      #expect(try tiny.bytes("\(output)/\(file)") == tiny.bytes("whole/\(file)"))
      #expect(try tiny.metrics(output) == tiny.metrics("whole"))
    }
    #expect(interrupted > 0, "no run was interrupted before its end")
  }

  /// Processes whose parent is `parent`, from /proc.
  private static func children(of parent: Int32) -> [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap(Int32.init).filter { process in
      let status = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
      let fields = status.drop { $0 != ")" }.split(separator: " ")
      return fields.count > 2 && fields[2] == "\(parent)"
    }.sorted()
  }
}

struct CommandLineTests {
  @Test(arguments: [
    (["max_step=3"], 78, "did you mean 'max_steps'"),
    (["micro_batch_size=2"], 78, "'per_device_train_batch_size'"),
    (["lora_target_modules=q_proj,x_proj"], 78, "'x_proj' matches nothing"),
    (["learning_rate=fast"], 78, "expected a number"),
    (["train_ratio=0.5"], 78, "must add up to 1"),
    (["dataset_path=/nowhere/q.json"], 66, "cannot read the data set"),
    (["model_name_or_path=/nowhere"], 66, "does not exist"),
    (["init_adapter=/nowhere"], 66, "adapter_config.json"),
    (["prompt_template=open", "score=option", "max_length=5"], 65, "does not fit max_length"),
    (["split=seed"], 65, "split of 500 questions"),
    (["precision=bfloat16"], 78, "not computed by this version"),
    (
      ["learning_rate=10", "lora_alpha=1e6", "warmup_steps=0", "max_grad_norm=0"], 70, "not updated"
    ),
  ])
  func `a bad setting is refused with its reason and nothing is left`(
    settings: [String], status: Int32, reason: String
  ) throws {
    let tiny = try TinyRun()
    let result = try CommandRunner.run("disttrain", ["train"] + tiny.settings("bad", settings))
    #expect(result.status == status, "\(result.errorOutput)")
    #expect(result.errorOutput.contains(reason), "\(result.errorOutput)")
    #expect(!FileManager.default.fileExists(atPath: tiny.folder + "/bad/adapter"))
  }

  @Test func `a used folder is refused and evaluate repeats the score`() throws {
    let tiny = try TinyRun()
    let settings = tiny.settings("run", ["max_steps=2"])
    #expect(try CommandRunner.run("disttrain", ["train"] + settings).status == 0)
    let again = try CommandRunner.run("disttrain", ["train"] + settings)
    #expect(again.status == 73)
    #expect(again.errorOutput.contains("holds a run already"))
    let results = try tiny.bytes("run/results.json")
    let evaluated = try CommandRunner.run("disttrain", ["evaluate", tiny.folder + "/run"])
    #expect(evaluated.status == 0, "\(evaluated.errorOutput)")
    #expect(try tiny.bytes("run/results.json") == results)
  }

  @Test func `file order is said to measure nothing`() throws {
    let tiny = try TinyRun()
    let result = try CommandRunner.run(
      "disttrain", ["train"] + tiny.settings("file", ["option_order=dataset", "max_steps=1"]))
    #expect(result.status == 0, "\(result.errorOutput)")
    #expect(result.errorOutput.contains("always answering A scores 100.0 %"))
  }
}
