import Foundation
import Model
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: CommandRunner.hasMPI, "mpirun is not installed"))
struct RankCountTests {
  /// What makes sums and shares uneven: short last windows, packed batches, dropout, and ends in the middle of the warmup.
  private static let variants: [[String]] =
    [
      [],
      ["per_device_train_batch_size=2", "gradient_accumulation_steps=3", "lora_dropout=0.1"],
      [
        "gradient_accumulation_steps=16", "warmup_steps=40", "max_steps=5",
        "lr_scheduler_type=cosine",
      ],
      ["gradient_accumulation_steps=3", "shuffle=false", "loss_on=completion", "lora_dropout=0"],
      ["activation_checkpointing=full", "max_steps=3"],
      ["score=generated", "option_order=all-cyclic", "max_new_tokens=3", "max_steps=2"],
      [
        "score=option_minus_unconditional", "option_order=all-cyclic", "eval_steps=1",
        "metric_for_best_model=accuracy", "load_best_model_at_end=true",
        "early_stopping_patience=2",
      ],
    ] + halves

  /// The same promise within bfloat16, where this processor has it.
  private static var halves: [[String]] {
    guard Precision.bfloat16.obstacle == nil else { return [] }
    return [["precision=bfloat16"], ["precision=bfloat16", "per_device_train_batch_size=2"]]
  }

  private static func train(
    _ tiny: TinyRun, _ output: String, _ more: [String] = [], ranks: Int?
  ) throws {
    let result = try CommandRunner.run(
      "disttrain", ["train"] + tiny.settings(output, more), ranks: ranks)
    try #require(result.status == 0, "\(result.errorOutput)")
  }

  @Test(arguments: RankCountTests.variants)
  func `one to eight ranks give the same adapter, metrics and predictions`(
    settings: [String]
  ) throws {
    let tiny = try TinyRun()
    try Self.train(tiny, "alone", settings, ranks: nil)
    for ranks in 1...8 {
      let output = "ranks\(ranks)"
      try Self.train(tiny, output, settings, ranks: ranks)
      for file in ["adapter/adapter_model.safetensors", "predictions.jsonl", "results.json"] {
        #expect(
          try tiny.bytes("\(output)/\(file)") == tiny.bytes("alone/\(file)"),
          "\(ranks) ranks: \(file)")
      }
      #expect(try tiny.metrics(output) == tiny.metrics("alone"))
      #expect(try tiny.lastCheckpoint(output) == tiny.lastCheckpoint("alone"))
    }
  }

  @Test(arguments: Precision.allCases.filter { $0.obstacle == nil }, ["all", "completion"])
  func `micro-batches that share a pass change no byte`(
    precision: Precision, lossOn: String
  ) throws {
    let tiny = try TinyRun(joiningIn: precision)
    let settings = ["precision=\(precision.rawValue)", "loss_on=\(lossOn)", "max_steps=3"]
    try Self.train(tiny, "apart", settings + ["tokens_per_pass=1"], ranks: nil)
    for (ranks, tokens) in [(1, 4000), (2, 4000), (2, 700), (3, 4000)] {
      let output = "joined\(ranks)-\(tokens)"
      try Self.train(tiny, output, settings + ["tokens_per_pass=\(tokens)"], ranks: ranks)
      let file = "adapter/adapter_model.safetensors"
      #expect(try tiny.bytes("\(output)/\(file)") == tiny.bytes("apart/\(file)"))
      #expect(try tiny.metrics(output) == tiny.metrics("apart"))
    }
  }

  @Test(arguments: Precision.allCases.filter { $0.obstacle == nil })
  func `a run whose rank is killed continues to the bytes of an undisturbed one`(
    precision: Precision
  ) throws {
    let tiny = try TinyRun()
    let settings = ["precision=\(precision.rawValue)"]
    try Self.train(tiny, "whole", settings, ranks: 2)
    var interrupted = 0
    for (attempt, ranks) in [1, 3, 2].enumerated() {
      let output = "killed\(attempt)"
      let job = try CommandRunner.start(
        "disttrain", ["train"] + tiny.settings(output, settings), ranks: 2)
      let wanted = "\(tiny.folder)/\(output)/checkpoints/step-00000\(2 * attempt + 1).h5"
      while job.isRunning && !FileManager.default.fileExists(atPath: wanted) {
        usleep(500)
      }
      if let victim = Self.children(of: job.identifier).last {
        kill(victim, SIGKILL)
      }
      if job.wait().status != 0 { interrupted += 1 }
      let resumed = try CommandRunner.run(
        "disttrain",
        ["train"] + tiny.settings(output, settings + ["resume_from_checkpoint=auto"]),
        ranks: ranks)
      try #require(resumed.status == 0, "\(resumed.errorOutput)")
      let file = "adapter/adapter_model.safetensors"
      #expect(try tiny.bytes("\(output)/\(file)") == tiny.bytes("whole/\(file)"))
      #expect(try tiny.metrics(output) == tiny.metrics("whole"))
      #expect(try tiny.lastCheckpoint(output) == tiny.lastCheckpoint("whole"))
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
