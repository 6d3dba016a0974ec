import DistTrain
import Foundation
import Model
import TestSupport
import Testing

/// A configuration from the text of a file, with the required keys in front unless `isWhole`.
private func configuration(
  _ yaml: String, isWhole: Bool = false, environment: [String: String] = [:],
  _ arguments: [String] = []
) throws -> RunConfiguration {
  let folder = try TemporaryFolder()
  let required = "model_name_or_path: m\ndataset_path: d\noutput_dir: o\n"
  let path = try folder.write((isWhole ? "" : required) + yaml, to: "run.yaml")
  let overrides = try ConfigurationValues.parse(arguments).overrides
  return try RunConfiguration(
    ConfigurationValues(file: path, environment: environment, overrides: overrides))
}

private func faults(_ yaml: String, isWhole: Bool = false) -> [String] {
  let error = #expect(throws: ConfigurationError.self) { try configuration(yaml, isWhole: isWhole) }
  #expect(error?.exitCode == 78)
  return error?.faults ?? []
}

/// Lists of two references each to the one before, and a key that has all of them in it.
private func aliasBomb(levels: Int) -> String {
  let lines = (1...levels).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }
  return "a0: &a0 [1, 1]\n" + lines.joined() + "? *a\(levels)\n: 1\n"
}

struct ConfigurationFileTests {
  @Test(arguments: [
    ("learning_rate: 1e-5", 1e-5), ("learning_rate: 1.0e-4", 1e-4), ("learning_rate: 0.0002", 2e-4),
    ("learning_rate: .5", 0.5), ("learning_rate: '2e-4'", 2e-4), ("learning_rate: 2E-4", 2e-4),
    ("learning_rate: +1e-3", 1e-3), ("learning_rate: 1", 1),
  ])
  func `numbers are read as they are written`(yaml: String, expected: Double) throws {
    #expect(try configuration(yaml).learningRate == expected)
  }

  @Test(arguments: [
    ("true", true), ("yes", true), ("on", true), ("Yes", true), ("'on'", true), ("1", true),
    ("false", false), ("no", false), ("off", false), ("No", false), ("0", false),
  ])
  func `flags take the words of YAML`(word: String, expected: Bool) throws {
    #expect(try configuration("shuffle: \(word)").shuffles == expected)
  }

  @Test func `texts are not taken for numbers, truths or dates`() throws {
    #expect(try configuration("lora_r: 010").lora.rank == 10, "not octal")
    let paths = try configuration(
      "model_name_or_path: 010\ndataset_path: 4:00\noutput_dir: no\ninit_adapter: 2024-01-02",
      isWhole: true)
    #expect(paths.modelPath == "010" && paths.datasetPath == "4:00" && paths.outputPath == "no")
    #expect(paths.initialAdapter == "2024-01-02")
  }

  @Test(arguments: [
    "lora_target_modules: [q_proj, v_proj]", "lora_target_modules:\n- q_proj\n- v_proj",
    "lora_target_modules: q_proj,v_proj", "lora_target_modules: ' v_proj , q_proj '",
    "lora_target_modules: [v_proj, q_proj, v_proj]",
  ])
  func `target modules are a list in any of its forms`(yaml: String) throws {
    #expect(try configuration(yaml).lora.targets.map(\.name) == ["q_proj", "v_proj"])
  }

  @Test(arguments: ["init_adapter:", "init_adapter: null", "init_adapter: ~", "init_adapter: none"])
  func `what may be left out may be null`(yaml: String) throws {
    #expect(try configuration(yaml).initialAdapter == nil)
  }

  @Test func `resume takes transformers' true as auto`() throws {
    #expect(try configuration("resume_from_checkpoint: true").resumeFrom == "auto")
    #expect(try configuration("resume_from_checkpoint: false").resumeFrom == nil)
    #expect(try configuration("resume_from_checkpoint: a/b.h5").resumeFrom == "a/b.h5")
  }

  @Test func `anchors, quotes, comments, a document mark and flow style are YAML`() throws {
    let read = try configuration(
      "--- # a run\n{model_name_or_path: m, dataset_path: \"d # e\", output_dir: 'it''s'}\n",
      isWhole: true)
    #expect(read.datasetPath == "d # e" && read.outputPath == "it's")
    let shared = try configuration("lora_r: &n 8\nlogging_steps: *n")
    #expect(shared.lora.rank == 8 && shared.loggingSteps == 8)
  }

  @Test func `a comment may have as many asterisks as it likes`() throws {
    let comment = "  # " + String(repeating: " * star *", count: 100) + "\n"
    #expect(try configuration(comment + "seed: 7").seed == 7)
  }

  @Test func `a file of another kind or size is refused`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(String(repeating: "# much\n", count: 200_000), to: "long.yaml")
    let error = #expect(throws: ConfigurationError.self) {
      try ConfigurationValues(file: path, environment: [:], overrides: [])
    }
    #expect(error?.description.contains("1400000 bytes, more than the 1048576") == true)
  }

  @Test func `the home folder may be written as a tilde`() throws {
    let read = try configuration(
      "model_name_or_path: ~/m\ndataset_path: a~/d\noutput_dir: ./o", isWhole: true)
    #expect(read.modelPath == NSHomeDirectory() + "/m")
    #expect(read.datasetPath == "a~/d" && read.outputPath == "./o")
  }

  /// The line is counted with the three required ones.
  @Test(arguments: [
    ("max_step: 3", "run.yaml:4: unknown key 'max_step'; did you mean 'max_steps'?"),
    ("\nlora-r: 3", "run.yaml:5: unknown key 'lora-r'; did you mean 'lora_r'?"),
    (
      "micro_batch_size: 2",
      "run.yaml:4: unknown key 'micro_batch_size' (axolotl); here it is 'per_device_train_batch_size'"
    ),
    ("warmup_ration: 0.1", "unknown key 'warmup_ration'; did you mean 'warmup_ratio'?"),
    ("frobnicate: 1", "unknown key 'frobnicate'; disttrain train --help lists all keys"),
    ("? [a, b]\n: 1", "run.yaml:4: a key must be a word"),
    ("lora_r: {a: 1}", "run.yaml:4: lora_r takes one value, not a list or a nested block"),
    ("lora_r: [8]", "lora_r takes one value"),
    ("lora_target_modules: {q_proj: true}", "lora_target_modules takes one value"),
    ("lora_target_modules: [[q_proj]]", "must be a list of names, without empty or nested"),
    (
      "lora_target_modules: [q_proj, ]\nlora_target_modules: x",
      "'lora_target_modules' stands twice"
    ),
    ("lora_target_modules: [q_proj, ~]", "must be a list of names"),
    ("lora_target_modules: []", "no target module; known are q_proj,"),
    (
      "lora_target_modules: [q_proj, query, wv]",
      "run.yaml:4: lora_target_modules: target modules 'query', 'wv' match nothing; known are q_proj,"
    ),
    ("lora_target_modules: all", "target module 'all' matches nothing"),
    (
      "learning_rate:",
      "run.yaml:4: learning_rate has no value; give one, or leave the line out for the default, 0.0002"
    ),
    ("learning_rate: null", "learning_rate has no value"),
    ("learning_rate: fast", "run.yaml:4: learning_rate is 'fast'; expected a number from 0 to 10"),
    ("learning_rate: .nan", "learning_rate is '.nan'; expected a number"),
    ("learning_rate: nan", "learning_rate is 'nan'; expected a number"),
    ("learning_rate: inf", "learning_rate is 'inf'; expected a number"),
    ("weight_decay: -.inf", "weight_decay is '-.inf'; expected a number"),
    ("learning_rate: 1e999", "expected a number"), ("learning_rate: 0x1p-3", "expected a number"),
    ("learning_rate: 1,5", "expected a number"), ("learning_rate: -1e-4", "expected a number"),
    ("lora_r: 8.0", "lora_r is '8.0'; expected a whole number from 1 to 65536"),
    ("lora_r: 0", "expected a whole number from 1"), ("seed: -1", "expected a whole number from 0"),
    ("seed: 99999999999999999999", "expected a whole number from 0"),
    ("shuffle: maybe", "shuffle is 'maybe'; expected true or false"),
    (
      "score: letters",
      "score is 'letters'; expected letter, generated, option, option_per_character or option_minus_unconditional"
    ),
    (
      "option_order: off",
      "option_order is 'off'; expected dataset, shuffled, reshuffled or all-cyclic"
    ),
    ("max_steps: 0", "max_steps is 0; give a positive number, or -1 for epochs"),
    ("warmup_steps: 2.5", "warmup_steps is 2.5; give whole steps, or a share below 1"),
    ("warmup_ratio: 1", "warmup_ratio is '1'; expected a number from 0 to below 1 (whole steps"),
    ("warmup_ratio: lots", "warmup_ratio is 'lots'; expected a number"),
    (
      "warmup_ratio: 0.1\nwarmup_steps: 5",
      "run.yaml:5: warmup_ratio and warmup_steps are one setting"
    ),
    ("train_ratio: 0.5", "must add up to 1; 0.5 + 0.1 + 0.1 is 0.7"),
    ("prompt_template: open", "open shows no letters; use it with score: option"),
    ("output_dir: ''", "'output_dir' stands twice"),
    ("lora_r: 8\nlora_r: 8", "'lora_r' stands twice; keep one of the lines"),
    ("lora_r: 8\n\"lora_r\": 9", "'lora_r' stands twice"),
    ("\tlora_r: 8", "run.yaml:4: not valid YAML: found a tab character that violates indentation"),
    ("a: [1", "not valid YAML"), ("a: \"b", "not valid YAML"), ("x: *none", "not valid YAML"),
    ("---\nlora_r: 8", "not valid YAML: but found another document"),
    ("a: " + String(repeating: "[", count: 100_000), "not valid YAML"),
    ("a: " + String(repeating: "{b: ", count: 100_000), "not valid YAML"),
    (String(repeating: "- ", count: 100_000), "not valid YAML"),
    (String(repeating: "? ", count: 100_000), "not valid YAML"),
    (
      "#" + aliasBomb(levels: 30).replacing("\n", with: "\r"),
      "has more than 16 references (*name); write the values out"
    ),
    (aliasBomb(levels: 30), "has more than 16 references (*name); write the values out"),
    ("lora_r: 8 \u{7}", "not valid YAML: control characters are not allowed"),
  ])
  func `a bad line is refused with its place and reason`(yaml: String, reason: String) {
    let told = faults(yaml)
    #expect(told.contains { $0.contains(reason) }, "\(told)")
    #expect(told.count == 1, "\(told)")
    #expect(told.allSatisfy { !$0.contains("\n") }, "\(told)")
  }

  @Test(arguments: ["- a\n- b\n", "just words\n", "42"])
  func `a file that is no mapping is refused`(yaml: String) {
    #expect(faults(yaml, isWhole: true).first?.hasSuffix("expected lines of 'key: value'") == true)
  }

  @Test(arguments: ["", "# nothing yet\n", "---\n", "~\n", "\n\n"])
  func `an empty file lacks the required keys`(yaml: String) {
    let told = faults(yaml, isWhole: true)
    #expect(told.count == 3)
    for (fault, name) in zip(told, ["model_name_or_path", "dataset_path", "output_dir"]) {
      #expect(fault.hasPrefix("\(name) is missing: "))
      #expect(fault.hasSuffix("as --" + name.replacing("_", with: "-")))
    }
  }

  @Test func `empty paths are refused`() {
    let told = faults("model_name_or_path: ''\ndataset_path: ' '\noutput_dir: o", isWhole: true)
    #expect(told.map { String($0.suffix(26)) }.count == 2)
    #expect(told.allSatisfy { $0.hasSuffix("is empty") })
  }

  @Test func `all faults are told at once, each with its place`() {
    let told = faults(
      "modle_name_or_path: m\ndataset_path: d\nlora_r: x\ntrain_ratio: 2\nwarmup_steps: 1.5\n"
        + "lora_target_modules: [z]\nshuffle: perhaps\nlearning_rate:\n", isWhole: true)
    for reason in [
      ":1: unknown key 'modle_name_or_path'", "model_name_or_path is missing",
      "output_dir is missing", ":3: lora_r is 'x'", ":4: train_ratio is '2'",
      ":5: warmup_steps is 1.5", ":6: lora_target_modules: target module 'z'",
      ":7: shuffle is 'perhaps'", ":8: learning_rate has no value",
    ] { #expect(told.contains { $0.contains(reason) }, "\(reason): \(told)") }
    #expect(told.count == 9, "no fault follows from another: \(told)")
    let text = ConfigurationError(told).description
    #expect(text.hasPrefix("the configuration has 9 faults:\n  "))
    #expect(text.split(separator: "\n").count == 10)
  }

  @Test func `a missing file is missing input, a bad one a bad configuration`() throws {
    let folder = try TemporaryFolder()
    let binary = try folder.write([0x61, 0xFF, 0xFE], to: "binary.yaml")
    for (path, code, reason) in [
      (folder.path + "/none.yaml", 66, "none.yaml does not exist; give the path of a YAML file"),
      (folder.path, 66, "is a folder, not a file"), (binary, 78, "is not UTF-8 text"),
    ] as [(String, Int32, String)] {
      let error = #expect(throws: ConfigurationError.self) {
        try ConfigurationValues(file: path, environment: [:], overrides: [])
      }
      #expect(error?.exitCode == code)
      #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
      #expect(error.map(CommandFailure.exitCode(of:)) == code)
    }
  }
}
