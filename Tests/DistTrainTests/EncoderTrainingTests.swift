import Checkpoints
import DistTrain
import Foundation
import Model
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: CommandRunner.hasMPI, "mpirun is not installed"))
struct EncoderTrainingTests {
  private static func run(
    _ tiny: TinyEncoderRun, _ output: String, _ more: [String] = [], ranks: Int? = nil
  ) throws -> CommandResult {
    try CommandRunner.run("disttrain", ["train"] + tiny.settings(output, more), ranks: ranks)
  }

  private static func train(
    _ tiny: TinyEncoderRun, _ output: String, _ more: [String] = [], ranks: Int? = nil
  ) throws {
    let result = try run(tiny, output, more, ranks: ranks)
    try #require(result.status == 0, "\(result.errorOutput)")
  }

  private static let product = "model/model.safetensors"

  private static let variants: [(String, [String])] = [
    ("bert", ["oversample_negated=3"]),
    ("distilbert", ["metric_for_best_model=accuracy", "load_best_model_at_end=true"]),
    (
      "roberta", ["per_device_train_batch_size=1", "gradient_accumulation_steps=16", "max_steps=3"]
    ),
  ]

  @Test(arguments: variants)
  func `any number of ranks gives the same model, metrics and predictions`(
    family: String, settings: [String]
  ) throws {
    let tiny = try TinyEncoderRun(family)
    try Self.train(tiny, "alone", settings)
    for ranks in [1, 2, 3, 5] {
      let output = "ranks\(ranks)"
      try Self.train(tiny, output, settings, ranks: ranks)
      for file in [Self.product, "predictions.jsonl", "results.json", "model/README.md"] {
        #expect(
          try tiny.bytes("\(output)/\(file)") == tiny.bytes("alone/\(file)"),
          "\(ranks) ranks: \(file)")
      }
      #expect(try tiny.metrics(output) == tiny.metrics("alone"))
      #expect(try tiny.lastCheckpoint(output) == tiny.lastCheckpoint("alone"))
    }
  }

  @Test func `a run that is stopped continues to the bytes of an undisturbed one`() throws {
    let tiny = try TinyEncoderRun()
    let best = [
      "metric_for_best_model=accuracy", "load_best_model_at_end=true", "num_train_epochs=12",
    ]
    try Self.train(tiny, "whole", best, ranks: 2)
    var interrupted = 0
    for (attempt, ranks) in [1, 3].enumerated() {
      let output = "killed\(attempt)"
      let job = try CommandRunner.start(
        "disttrain", ["train"] + tiny.settings(output, best))
      let folder = "\(tiny.folder)/\(output)/checkpoints"
      // Older ones are removed, so any that is new enough will do.
      func isFarEnough() -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.contains { $0.hasSuffix(".h5") && $0 >= "step-00000\(3 * attempt + 1).h5" }
      }
      while job.isRunning, !isFarEnough() { usleep(200) }
      kill(job.identifier, SIGTERM)
      if job.wait().status != 0 { interrupted += 1 }
      try Self.train(tiny, output, best + ["resume_from_checkpoint=auto"], ranks: ranks)
      #expect(try tiny.bytes("\(output)/\(Self.product)") == tiny.bytes("whole/\(Self.product)"))
      #expect(try tiny.metrics(output) == tiny.metrics("whole"))
      #expect(try tiny.lastCheckpoint(output) == tiny.lastCheckpoint("whole"))
    }
    #expect(interrupted > 0, "no run was interrupted before its end")
  }

  @Test func `a run goes on from a checkpoint in its middle`() throws {
    let tiny = try TinyEncoderRun("distilbert")
    try Self.train(tiny, "whole")
    try Self.train(tiny, "part", ["max_steps=3"])
    // The schedule belongs to the number of steps, so a run that was to be longer from the start is the measure.
    try Self.train(tiny, "long", ["save_total_limit=20"])
    let from = "resume_from_checkpoint=\(tiny.folder)/long/checkpoints/step-000003.h5"
    try Self.train(tiny, "again", [from], ranks: 2)
    #expect(try tiny.bytes("again/\(Self.product)") == tiny.bytes("whole/\(Self.product)"))
    #expect(try tiny.bytes("part/\(Self.product)") != tiny.bytes("whole/\(Self.product)"))
    let other = try Self.run(tiny, "again", [from, "label_smoothing_factor=0.2"])
    #expect(other.status == 65)
    #expect(other.errorOutput.contains("label_smoothing_factor was 0.1, now 0.2"))
  }

  @Test func `folds from a file give the same results for any number of ranks`() throws {
    let tiny = try TinyEncoderRun()
    let settings = [
      "folds=\(tiny.folder)/folds.json", "train_ratio=1", "val_ratio=0", "test_ratio=0",
      "num_train_epochs=1",
    ]
    try Self.train(tiny, "alone", settings)
    let results = try JSONParser.parse(tiny.bytes("alone/results.json"))
    #expect(results["metrics"]?["total"]?.intValue == TinyEncoderRun.questionCount)
    #expect(results["score"]?.stringValue == "logit")
    for ranks in [2, 3, 5] {
      let result = try Self.run(tiny, "ranks\(ranks)", settings, ranks: ranks)
      try #require(result.status == 0, "\(result.errorOutput)")
      for file in ["results.json", "predictions.jsonl"]
        + (0..<3).map({ "fold-\($0)/\(Self.product)" })
      {
        #expect(try tiny.bytes("ranks\(ranks)/\(file)") == tiny.bytes("alone/\(file)"))
      }
    }
  }

  @Test(arguments: TinyEncoder.families)
  func `the written model is what was trained, and scores the same`(family: String) throws {
    let tiny = try TinyEncoderRun(family)
    try Self.train(tiny, "run")
    let path = tiny.folder + "/run/model"
    let model = EncoderModel(try EncoderConfiguration(modelFolder: path))
    let names = try FileManager.default.contentsOfDirectory(
      atPath: tiny.folder + "/run/checkpoints")
    let checkpoint = try Checkpoint(
      contentsOfFile: "\(tiny.folder)/run/checkpoints/\(names.max() ?? "")")
    #expect(try model.parameters(folder: path, seed: 1).array() == checkpoint.parameters)
    let before = (
      try tiny.bytes("run/results.json"), try tiny.bytes("run/predictions.jsonl")
    )
    let evaluated = try CommandRunner.run(
      "disttrain", ["evaluate", tiny.folder + "/run"], ranks: 2)
    try #require(evaluated.status == 0, "\(evaluated.errorOutput)")
    #expect(try tiny.bytes("run/results.json") == before.0)
    #expect(try tiny.bytes("run/predictions.jsonl") == before.1)
    // The folder is complete: a run may start from it.
    try Self.train(tiny, "next", ["model_name_or_path=\(path)", "max_steps=1"])
  }

  @Test func `it is validated after each epoch, and the best epoch is kept`() throws {
    let tiny = try TinyEncoderRun()
    try Self.train(
      tiny, "run",
      [
        "num_train_epochs=4", "load_best_model_at_end=true", "metric_for_best_model=accuracy",
        "save_total_limit=9",
      ])
    let lines = try tiny.metrics("run").filter { $0["eval_accuracy"] != nil }
    #expect(lines.map { $0["epoch"]?.doubleValue } == [1, 2, 3, 4])
    let accuracies = lines.compactMap { $0["eval_accuracy"]?.doubleValue }
    let best = accuracies.indices.reduce(0) { accuracies[$1] > accuracies[$0] ? $1 : $0 }
    let step = try #require(lines[best]["step"]?.intValue)
    let number = String(repeating: "0", count: 6 - "\(step)".count) + "\(step)"
    let checkpoint = try Checkpoint(
      contentsOfFile: "\(tiny.folder)/run/checkpoints/step-\(number).h5")
    let path = tiny.folder + "/run/model"
    let model = EncoderModel(try EncoderConfiguration(modelFolder: path))
    #expect(try model.parameters(folder: path, seed: 1).array() == checkpoint.parameters)
  }
}

struct EncoderInputsTests {
  private static func configuration(
    _ tiny: TinyEncoderRun, _ more: [String] = []
  ) throws -> RunConfiguration {
    let (file, overrides) = try ConfigurationValues.parse(tiny.settings("run", more))
    return try RunConfiguration(
      ConfigurationValues(file: file, environment: [:], overrides: overrides))
  }

  @Test func `negated questions stand in an epoch as often as is wanted`() throws {
    let tiny = try TinyEncoderRun()
    let inputs = try EncoderInputs(Self.configuration(tiny, ["oversample_negated=3"]))
    for index in inputs.split.train {
      let count = inputs.trainingQuestions.count { $0 == index }
      #expect(count == (index % 4 == 0 ? 3 : 1), "question \(index)")
    }
    #expect(Set(inputs.trainingQuestions) == Set(inputs.split.train))
    #expect(inputs.trainingQuestions.count > inputs.split.train.count)
  }

  @Test func `the right option is the answer, and letters follow the order of display`() throws {
    let tiny = try TinyEncoderRun()
    let inputs = try EncoderInputs(Self.configuration(tiny))
    let example = try #require(inputs.examples([3], epoch: 0).first)
    let batch = inputs.microBatch([example])
    #expect(batch.answers == [0] && batch.sequences.count == 5)
    let item = try inputs.scoringItem(inputs.dataset.questions[3], hidesQuestion: false)
    let hidden = try inputs.scoringItem(inputs.dataset.questions[3], hidesQuestion: true)
    for (position, option) in item.order.enumerated() {
      let sequence = batch.sequences[option]
      #expect(item.pairs[position].tokens == Array(batch.tokens[sequence]))
      #expect(hidden.pairs[position].tokens.count < sequence.count)
    }
    #expect(item.order != Array(0..<5) && !item.isTruncated)
    let short = try EncoderInputs(Self.configuration(tiny, ["max_length=9"]))
    let cut = try short.scoringItem(short.dataset.questions[3], hidesQuestion: false)
    #expect(cut.isTruncated && cut.pairs.allSatisfy { $0.tokens.count == 9 })
  }

  @Test func `a tokenizer that does not fit the model is refused`() throws {
    let tiny = try TinyEncoderRun()
    let words = (0..<200).map { "w\($0)" }
    try tiny.write(
      (["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + words).joined(separator: "\n"), to: "vocab.txt")
    let configuration = try Self.configuration(tiny)
    let error = #expect(throws: CommandFailure.self) { try EncoderInputs(configuration) }
    #expect(error?.exitCode == 65 && error?.description.contains("the tokenizer has 204") == true)
    let other = try TinyEncoderRun()
    let long = try Self.configuration(other, ["max_length=91"])
    #expect(throws: CommandFailure.self) { try EncoderInputs(long) }
  }

  @Test(arguments: ["lora_r=16", "loss_on=completion", "score=letter", "prompt_template=chat"])
  func `settings of adapters are refused with an encoder`(setting: String) throws {
    let tiny = try TinyEncoderRun()
    let error = #expect(throws: ConfigurationError.self) {
      try Self.configuration(tiny, [setting])
    }
    let name = String(setting.prefix { $0 != "=" })
    #expect(
      error?.faults.contains { $0.hasPrefix("command line: \(name) is for adapters; ") } == true,
      "\(String(describing: error))")
  }

  @Test func `settings of encoders are refused with an adapter`() throws {
    let tiny = try TinyRun()
    let error = #expect(throws: ConfigurationError.self) {
      try QuestionSamples.configuration(tiny, ["label_smoothing_factor=0.1"])
    }
    #expect(error?.faults.first?.contains("label_smoothing_factor is for encoders") == true)
  }

  @Test func `config_yaml of an encoder has what applies to it, and can be read back`() throws {
    let tiny = try TinyEncoderRun()
    let configuration = try Self.configuration(tiny, ["oversample_negated=2"])
    #expect(!configuration.yaml.contains("lora_r"))
    #expect(configuration.yaml.contains("oversample_negated: 2  # command line"))
    try tiny.write(configuration.yaml, to: "config.yaml")
    let again = try RunConfiguration(
      ConfigurationValues(file: tiny.folder + "/config.yaml", environment: [:], overrides: []))
    #expect(again.json == configuration.json)
  }
}
