import Foundation
import TestSupport
import Testing

struct ResumeTests {
  private static func run(
    _ tiny: TinyRun, _ output: String, _ more: [String], ranks: Int? = nil
  ) throws -> CommandResult {
    try CommandRunner.run("disttrain", ["train"] + tiny.settings(output, more), ranks: ranks)
  }

  private static func checkpoints(_ tiny: TinyRun, _ output: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(tiny.folder)/\(output)/checkpoints")
      .sorted()
  }

  @Test func `two jobs cannot write to one folder`() throws {
    let tiny = try TinyRun()
    let long = ["num_train_epochs=2000", "save_steps=0", "eval_steps=0"]
    let job = try CommandRunner.start("disttrain", ["train"] + tiny.settings("run", long))
    while job.isRunning, !FileManager.default.fileExists(atPath: tiny.folder + "/run/env.json") {
      usleep(1000)
    }
    let second = try Self.run(tiny, "run", long + ["resume_from_checkpoint=auto"])
    kill(job.identifier, SIGTERM)
    #expect(job.wait().status == 75)
    #expect(second.status == 73, "\(second.errorOutput)")
    #expect(second.errorOutput.contains("another job (process \(job.identifier) on "))
  }

  @Test func `the newest checkpoints and the best one are kept`() throws {
    let tiny = try TinyRun()
    // So few steps at so low a rate pick other letters at no time, and of equal accuracies the first stays the best.
    let result = try Self.run(
      tiny, "run",
      [
        "eval_steps=1", "save_steps=1", "save_total_limit=2", "learning_rate=1e-5",
        "metric_for_best_model=accuracy", "num_train_epochs=3",
      ])
    try #require(result.status == 0, "\(result.errorOutput)")
    let state = String(decoding: try tiny.bytes("run/trainer_state.json"), as: UTF8.self)
    let best = try #require(state.firstMatch(of: /checkpoints\/(step-\d+\.h5)/)?.1)
    let names = try Self.checkpoints(tiny, "run")
    #expect(names.contains(String(best)), "\(names), best \(best)")
    #expect(names.suffix(2) == ["step-000011.h5", "step-000012.h5"])
    #expect(names.count == 3 && best == "step-000001.h5")
  }

  @Test func `allowed changes take effect and are told, others are refused by name`() throws {
    let tiny = try TinyRun()
    try #require(Self.run(tiny, "run", ["num_train_epochs=1"]).status == 0)
    let resume = "resume_from_checkpoint=auto"
    let refused = try Self.run(tiny, "run", [resume, "lora_dropout=0.3", "seed=7"])
    #expect(refused.status == 65)
    for name in ["lora_dropout was 0.2, now 0.3", "seed was 42, now 7"] {
      #expect(refused.errorOutput.contains(name), "\(refused.errorOutput)")
    }
    let longer = try Self.run(tiny, "run", [resume, "num_train_epochs=3", "save_steps=2"])
    #expect(longer.status == 0, "\(longer.errorOutput)")
    #expect(longer.errorOutput.contains("changed    num_train_epochs was 1, now 3"))
    #expect(longer.errorOutput.contains("resumed    after step 4"))
    #expect(try Self.checkpoints(tiny, "run").last == "step-000012.h5")
  }

  @Test func `a damaged newest checkpoint is told and the one before it used`() throws {
    let tiny = try TinyRun()
    try #require(Self.run(tiny, "whole", []).status == 0)
    try #require(Self.run(tiny, "run", ["max_steps=3"]).status == 0)
    let path = "run/checkpoints/step-000003.h5"
    var bytes = try tiny.bytes(path)
    bytes[bytes.count - 100] ^= 1
    try Data(bytes).write(to: URL(filePath: tiny.folder + "/" + path))
    let resumed = try Self.run(tiny, "run", ["resume_from_checkpoint=auto"])
    #expect(resumed.status == 0, "\(resumed.errorOutput)")
    #expect(resumed.errorOutput.contains("step-000003.h5"), "\(resumed.errorOutput)")
    #expect(resumed.errorOutput.contains("resumed    after step 2"))
  }

  @Test func `a validation that is made up for gets into the checkpoint of its step`() throws {
    let tiny = try TinyRun()
    // Without validation a run leaves what one leaves that is stopped in the validation of its last step.
    let settings = ["num_train_epochs=1", "save_steps=0"]
    try #require(Self.run(tiny, "whole", settings + ["eval_steps=4"]).status == 0)
    try #require(Self.run(tiny, "run", settings + ["eval_steps=0"]).status == 0)
    #expect(try tiny.lastCheckpoint("run") != tiny.lastCheckpoint("whole"))
    let more = ["eval_steps=4", "resume_from_checkpoint=auto"]
    for _ in 0..<2 {
      let resumed = try Self.run(tiny, "run", settings + more)
      try #require(resumed.status == 0, "\(resumed.errorOutput)")
      #expect(try tiny.lastCheckpoint("run") == tiny.lastCheckpoint("whole"))
      #expect(try tiny.metrics("run") == tiny.metrics("whole"))
    }
  }

  @Test func `other kernels than the checkpoint's are told`() throws {
    let tiny = try TinyRun()
    try #require(Self.run(tiny, "run", ["num_train_epochs=1"]).status == 0)
    let words =
      ["train"] + tiny.settings("run", ["num_train_epochs=1", "resume_from_checkpoint=auto"])
    func isTold(_ environment: [String: String]) throws -> Bool {
      let result = try CommandRunner.run("disttrain", words, environment: environment)
      try #require(result.status == 0, "\(result.errorOutput)")
      return result.errorOutput.contains("blas_core was ")
        && result.errorOutput.contains("last digits")
    }
    // Every x86-64 CPU can compute with both, so at least one is not what the run was made with.
    let old = try ["Prescott", "Nehalem"].map { try isTold(["OPENBLAS_CORETYPE": $0]) }
    #expect(old.contains(true))
    #expect(try !isTold([:]))
  }

  @Test(.enabled(if: geteuid() == 0, "a full file system needs root to be made"))
  func `a full disk stops the run or not, as it is told, and earlier checkpoints stay`() throws {
    let tiny = try TinyRun()
    let disk = try TinyFileSystem(kibibytes: 256)
    for (policy, status) in [("stop", 74), ("continue", 74)] as [(String, Int32)] {
      let output = "output_dir=\(disk.path)/\(policy)"
      let result = try Self.run(
        tiny, "x", [output, "on_save_failure=\(policy)", "save_total_limit=100", "lora_r=8"])
      #expect(result.status == status, "\(policy): \(result.errorOutput)")
      #expect(result.errorOutput.contains("No space left on device"), "\(result.errorOutput)")
      #expect(
        result.errorOutput.contains("going on without") == (policy == "continue"),
        "\(policy): \(result.errorOutput)")
      let verified = try CommandRunner.run("disttrain", ["verify", "\(disk.path)/\(policy)"])
      #expect(verified.status == 0, "\(verified.output)")
      try FileManager.default.removeItem(atPath: "\(disk.path)/\(policy)")
    }
  }
}

/// A file system of a few kibibytes, which goes with its owner.
private final class TinyFileSystem {
  let path = NSTemporaryDirectory() + "disk-" + UUID().uuidString

  init(kibibytes: Int) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard unsafe mount("tmpfs", path, "tmpfs", 0, "size=\(kibibytes)k") == 0 else {
      throw POSIXError(.init(rawValue: errno) ?? .EPERM)
    }
  }

  deinit {
    _ = unsafe umount(path)
    try? FileManager.default.removeItem(atPath: path)
  }
}
