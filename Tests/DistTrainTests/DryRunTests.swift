import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct DryRunTests {
  @Test func `a dry run says what a run will need and leaves nothing`() throws {
    let tiny = try TinyRun()
    let result = try CommandRunner.run(
      "disttrain", ["train", "--dry-run", "-n", "3"] + tiny.settings("dry", ["max_length=120"]))
    try #require(result.status == 0, "\(result.errorOutput)")
    for text in [
      ", dry run", "19 train, 2 validation, 3 held out",
      "truncated to 120", "5 micro-batches x 1 sequence = 5 a step; 1 or 2 on each of 3 ranks",
      "steps      8, 4 an epoch", "tokens of the training examples", "memory per host", "disk ",
      "run ", "for 8 steps", "  mpirun -n 3 ", " train model_name_or_path=",
    ] {
      #expect(result.output.contains(text), "\(text) is not in\n\(result.output)")
    }
    for line in result.output.split(separator: "\n") where !line.hasPrefix("  mpirun") {
      #expect(line.count <= 80, "\(line)")
    }
    #expect(!FileManager.default.fileExists(atPath: tiny.folder + "/dry"))
  }

  @Test func `an encoder's dry run says the same of it`() throws {
    let tiny = try TinyEncoderRun()
    let folds = ["folds=\(tiny.folder)/folds.json", "train_ratio=1", "val_ratio=0", "test_ratio=0"]
    for settings in [[], folds] {
      let result = try CommandRunner.run(
        "disttrain", ["train", "--dry-run"] + tiny.settings("dry", settings))
      try #require(result.status == 0, "\(result.errorOutput)")
      for text in [
        "multiple-choice head", "3 micro-batches x 2 questions = 6 a step", "memory per host",
        "all-reduce",
      ] {
        #expect(result.output.contains(text), "\(text) is not in\n\(result.output)")
      }
      #expect(result.output.contains("is of the first") == !settings.isEmpty)
    }
    #expect(!FileManager.default.fileExists(atPath: tiny.folder + "/dry"))
    try tiny.write("{}", to: "model.safetensors")
    let damaged = try CommandRunner.run(
      "disttrain", ["train", "--dry-run"] + tiny.settings("dry"))
    #expect(damaged.status == 65, "\(damaged.errorOutput)")
  }

  @Test(arguments: [
    (["lora_r=0"], 78, "lora_r is '0'"), (["dataset_path=/nowhere"], 66, "cannot read"),
    (["output_dir=/etc/passwd/run"], 73, "cannot write to /etc/passwd: Not a directory"),
    (["prompt_template=open", "score=option", "max_length=5"], 65, "does not fit max_length"),
  ])
  func `a dry run finds what a run would`(
    settings: [String], status: Int32, reason: String
  ) throws {
    let tiny = try TinyRun()
    let result = try CommandRunner.run(
      "disttrain", ["train", "--dry-run"] + tiny.settings("dry", settings))
    #expect(result.status == status, "\(result.errorOutput)")
    #expect(result.errorOutput.contains(reason), "\(result.errorOutput)")
  }

  @Test func `a dry run knows the run that is there`() throws {
    let tiny = try TinyRun()
    let settings = tiny.settings("run", ["max_steps=2"])
    #expect(try CommandRunner.run("disttrain", ["train"] + settings).status == 0)
    let again = try CommandRunner.run("disttrain", ["train", "--dry-run"] + settings)
    #expect(again.status == 73 && again.errorOutput.contains("holds a run already"))
    let resumed = try CommandRunner.run(
      "disttrain",
      ["train", "--dry-run"] + settings + ["resume_from_checkpoint=auto", "max_steps=9"])
    #expect(resumed.output.contains("resume     after step 2 of 2"), "\(resumed.errorOutput)")
    let other = try CommandRunner.run(
      "disttrain", ["train", "--dry-run"] + settings + ["resume_from_checkpoint=auto", "seed=9"])
    #expect(other.status == 65 && other.errorOutput.contains("seed was 42, now 9"))
  }
}

struct LengthHistogramTests {
  @Test(arguments: [
    [5], [0, 0, 1], [79, 150, 109, 110], [1, 100_000], Array(68...193), [7, 7, 7],
  ])
  func `every example is in the range that it belongs to`(lengths: [Int]) {
    let ranges = LengthHistogram(lengths).ranges
    #expect((1...12).contains(ranges.count))
    #expect(ranges.reduce(0) { $0 + $1.count } == lengths.count)
    for range in ranges {
      #expect(range.count == lengths.count { range.bounds.contains($0) })
      #expect(range.bounds.count == ranges[0].bounds.count)
    }
    #expect(ranges.first.map { $0.count > 0 } == true && ranges.last.map { $0.count > 0 } == true)
  }

  @Test func `bars are as long as their counts`() {
    let lengths = [10, 11, 12, 13, 20, 21, 30, 100]
    let lines = LengthHistogram(lengths).lines(isUnicode: false)
    #expect(lines[0] == "  10-19  4  " + String(repeating: "#", count: 40))
    #expect(lines[1] == "  20-29  2  " + String(repeating: "#", count: 20))
    #expect(lines[3] == "  40-49  0")
    #expect(lines.last == "100-109  1  " + String(repeating: "#", count: 10))
    #expect(LengthHistogram([]).lines(isUnicode: true).isEmpty)
  }
}

struct EnvironmentTests {
  @Test func `the block says what a fault depends on and keeps secrets`() throws {
    let variables = [
      "DISTTRAIN_SEED": "3", "OMP_NUM_THREADS": "2", "HF_TOKEN": "s3cret", "OMPI_API_KEY": "s3cret",
      "DISTTRAIN_PASSWORD": "s3cret", "UNRELATED": "s3cret",
    ]
    let text = try CommandRunner.run("disttrain", ["env"], environment: variables)
    #expect(text.status == 0 && !text.output.contains("s3cret"))
    #expect(text.output.contains("\n  DISTTRAIN_SEED=3\n"))
    #expect(text.output.contains("\n  OMP_NUM_THREADS=2\n"))
    let json = try JSONParser.parse(
      CommandRunner.run("disttrain", ["env", "--json"], environment: variables).output)
    for name in [
      "version", "system", "kernel", "cpu", "kernels", "openblas_core", "onednn", "mpi", "hdf5",
      "locale",
    ] {
      #expect(json[name]?.stringValue?.isEmpty == false, "\(name)")
    }
    #expect(json["cores"]?.intValue ?? 0 > 0 && json["memory_bytes"]?.intValue ?? 0 > 1 << 20)
    #expect(json["hdf5"]?.stringValue?.split(separator: ".").count == 3)
    #expect(json["variables"]?["DISTTRAIN_SEED"]?.stringValue == "3")
  }

  @Test func `the commit is read from a checkout, a worktree and packed references`() throws {
    let folder = try TemporaryFolder()
    let commit = String(repeating: "ab12", count: 10)
    for path in ["r/.git/refs/heads", "r/.git/worktrees/w", "w/build", "none"] {
      try FileManager.default.createDirectory(
        atPath: folder.path + "/" + path, withIntermediateDirectories: true)
    }
    _ = try folder.write("ref: refs/heads/main\n", to: "r/.git/HEAD")
    _ = try folder.write("# pack\n\(commit) refs/heads/main\n", to: "r/.git/packed-refs")
    #expect(SourceCommit.current(above: folder.path + "/r/.build/x/disttrain") == commit)
    let other = String(repeating: "cd34", count: 10)
    _ = try folder.write(other + "\n", to: "r/.git/refs/heads/main")
    #expect(SourceCommit.current(above: folder.path + "/r/disttrain") == other)
    _ = try folder.write("gitdir: \(folder.path)/r/.git/worktrees/w\n", to: "w/.git")
    _ = try folder.write("ref: refs/heads/main\n", to: "r/.git/worktrees/w/HEAD")
    _ = try folder.write("../..\n", to: "r/.git/worktrees/w/commondir")
    #expect(SourceCommit.current(above: folder.path + "/w/build/disttrain") == other)
    _ = try folder.write(commit, to: "r/.git/HEAD")
    #expect(SourceCommit.current(above: folder.path + "/r/disttrain") == commit)
  }
}
