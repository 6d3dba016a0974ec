import Foundation
import TestSupport
import Testing

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
    (["split=ratoi"], 66, "split: ratoi does not exist; split is ratio, seed or the path"),
    (["train_ratio=1", "val_ratio=0", "test_ratio=0"], 65, "24 to train on and 0 held out"),
    (["--max-steps", "0"], 78, "max_steps is 0"),
    (["--lora-dropout=1.5"], 78, "expected a number from 0 to 0.99"),
    (["--frobnicate", "3"], 78, "unknown key 'frobnicate'"),
    (["--lora-r"], 78, "--lora-r needs a value"),
    (["lora_r=x", "shufle=1", "seed=-1"], 78, "has 3 faults"),
    (["/nowhere/run.yaml"], 66, "the configuration /nowhere/run.yaml does not exist"),
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

  @Test func `a limit of the file size that the first file meets is told`() async throws {
    let tiny = try TinyRun()
    let program = CommandRunner.products + "/disttrain"
    let result = try await MPILauncher.runCommand(
      "prlimit", ["--fsize=1000", program, "train"] + tiny.settings("limited"))
    #expect(result.status == 74, "\(result.errorOutput)")
    #expect(result.errorOutput.contains("config.yaml: File too large"), "\(result.errorOutput)")
  }

  @Test func `file order is said to measure nothing`() throws {
    let tiny = try TinyRun()
    let result = try CommandRunner.run(
      "disttrain", ["train"] + tiny.settings("file", ["option_order=dataset", "max_steps=1"]))
    #expect(result.status == 0, "\(result.errorOutput)")
    #expect(result.errorOutput.contains("the rule \"always A\" is right in 24 of 24"))
  }

  @Test func `flags with values that look like flags reach their settings`() throws {
    let tiny = try TinyRun()
    let result = try CommandRunner.run(
      "disttrain",
      ["train", "--max-steps", "-1", "--num-train-epochs", "0.2", "--no-such=1"]
        + tiny.settings("odd"))
    #expect(result.status == 78)
    #expect(
      result.errorOutput
        == "error: command line: unknown key 'no_such'; disttrain train --help lists all keys\n")
  }

  @Test func `a recipe, the environment and flags make one configuration`() throws {
    let tiny = try TinyRun()
    let folder = try TemporaryFolder()
    let recipe = tiny.settings("mixed").map { $0.replacing("=", with: ": ") } + ["max_steps: 3"]
    let path = try folder.write(recipe.joined(separator: "\n"), to: "run.yaml")
    let result = try CommandRunner.run(
      "disttrain", ["train", path, "--max-steps", "1", "--shuffle", "seed=5"],
      environment: ["DISTTRAIN_LORA_R": "2", "DISTTRAIN_MAX_STEPS": "2"])
    #expect(result.status == 0, "\(result.errorOutput)")
    let written = String(decoding: try tiny.bytes("mixed/config.yaml"), as: UTF8.self)
    for line in [
      "max_steps: 1  # command line", "lora_r: 2  # DISTTRAIN_LORA_R",
      "shuffle: true  # command line",
      "seed: 5  # command line", "eval_steps: 3  # \(path):",
    ] { #expect(written.contains(line), "\(line)\n\(written)") }
    #expect(try tiny.metrics("mixed").contains { $0.contains("\"step\": 1,") })
  }

  @Test func `a bad data set is listed and nothing is trained`() throws {
    let tiny = try TinyRun()
    let folder = try TemporaryFolder()
    let path = try folder.write("[null, {}]", to: "q.json")
    let result = try CommandRunner.run(
      "disttrain", ["train"] + tiny.settings("none", ["dataset_path=\(path)"]))
    #expect(result.status == 65)
    #expect(result.errorOutput.contains("q.json has 5 faults (questions are counted from 0):"))
    #expect(result.errorOutput.contains("\n  question 0: is null, not an object\n"))
    #expect(result.errorOutput.contains("\n  question 1: query is missing\n"))
    #expect(!FileManager.default.fileExists(atPath: tiny.folder + "/none"))
  }

  @Test func `ranks tell a fault once`() throws {
    guard CommandRunner.hasMPI else { return }
    let tiny = try TinyRun()
    for settings in [["lora_r=0"], ["dataset_path=/nowhere"], ["split=seed"]] {
      let result = try CommandRunner.run(
        "disttrain", ["train"] + tiny.settings("ranks", settings), ranks: 3)
      #expect(result.status != 0)
      #expect(
        result.errorOutput.split(separator: "\n").count { $0.hasPrefix("error:") } == 1,
        "\(result.errorOutput)")
    }
  }

  @Test func `evaluate of what is no run is missing input`() throws {
    let folder = try TemporaryFolder()
    let result = try CommandRunner.run("disttrain", ["evaluate", folder.path])
    #expect(result.status == 66)
    #expect(result.errorOutput.contains("is not the folder of a run (no config.yaml)"))
  }

  @Test func `usage errors have their own code`() throws {
    for arguments in [["evaluate"], ["inspect"], ["trian"], ["inspect", "a", "b"]] {
      #expect(try CommandRunner.run("disttrain", arguments).status == 64, "\(arguments)")
    }
    for arguments in [["--help"], ["train", "--help"], ["--version"]] {
      let result = try CommandRunner.run("disttrain", arguments)
      #expect(result.status == 0 && !result.output.isEmpty && result.errorOutput.isEmpty)
    }
  }
}
