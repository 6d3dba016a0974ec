import DistTrain
import Foundation
import Model
import TestSupport
import Testing

private let required = [
  (key: "model_name_or_path", value: "m"), (key: "dataset_path", value: "d"),
  (key: "output_dir", value: "o"),
]

private func shown(_ value: ConfigurationValues.Value?) -> [String]? {
  value.map { [$0.text, $0.source] }
}

private func configuration(
  _ overrides: [(key: String, value: String)] = [], environment: [String: String] = [:]
) throws -> RunConfiguration {
  try RunConfiguration(
    ConfigurationValues(file: nil, environment: environment, overrides: required + overrides))
}

struct CommandLineSettingsTests {
  private struct Parsed: Equatable {
    let file: String?
    let settings: [String]
  }

  private static func parse(_ arguments: [String]) throws -> Parsed {
    let (file, overrides) = try ConfigurationValues.parse(arguments)
    return Parsed(file: file, settings: overrides.map { "\($0.key)|\($0.value)" })
  }

  @Test(
    arguments: [
      (["lora_r=8"], nil, ["lora_r|8"]), (["--lora-r=8"], nil, ["lora_r|8"]),
      (["--lora_r", "8"], nil, ["lora_r|8"]), (["--lora-r", "8"], nil, ["lora_r|8"]),
      (["lora-r=8"], nil, ["lora_r|8"]),
      (["max_steps=-1"], nil, ["max_steps|-1"]), (["--max-steps", "-1"], nil, ["max_steps|-1"]),
      (["--max-steps=-1"], nil, ["max_steps|-1"]),
      (["output_dir=runs/lr=1e-4"], nil, ["output_dir|runs/lr=1e-4"]),
      (["--output-dir", "a=b"], nil, ["output_dir|a=b"]), (["output_dir="], nil, ["output_dir|"]),
      (["--shuffle"], nil, ["shuffle|true"]), (["--shuffle", "no"], nil, ["shuffle|no"]),
      (["--shuffle", "run.yaml"], "run.yaml", ["shuffle|true"]),
      (["--shuffle", "lora_r=8"], nil, ["shuffle|true", "lora_r|8"]),
      (["--shuffle", "--lora-r", "8"], nil, ["shuffle|true", "lora_r|8"]),
      (["--shuffle=off", "run.yaml", "seed=1"], "run.yaml", ["shuffle|off", "seed|1"]),
      (["runs/lr=1e-4/config.yaml"], "runs/lr=1e-4/config.yaml", []),
      (["./a=b"], "./a=b", []), (["a=b.yaml"], nil, ["a|b.yaml"]),
      (["--warmup-ratio", "0.1"], nil, ["warmup_ratio|0.1"]), ([], nil, []),
      (["seed=1", "seed=2"], nil, ["seed|1", "seed|2"]),
    ] as [([String], String?, [String])])
  func `settings may be written in each of the usual ways`(
    arguments: [String], file: String?, settings: [String]
  ) throws {
    #expect(try Self.parse(arguments) == Parsed(file: file, settings: settings))
  }

  @Test(arguments: [
    (["--lora-r"], "command line: --lora-r needs a value"),
    (["--lora-r", "--shuffle"], "command line: --lora-r needs a value"),
    (["a.yaml", "b.yaml"], "'b.yaml' is neither key=value nor --key, and a recipe is given once"),
    (["--lora-rr"], "unknown key 'lora_rr'; did you mean 'lora_r'?"),
    (["-x"], "'-x' is neither key=value nor --key"), (["a.yaml", "=5"], "'=5' is neither"),
    (["a.yaml", "--"], "'--' is neither key=value nor --key"),
  ])
  func `an argument that is none of them is refused`(arguments: [String], reason: String) {
    let error = #expect(throws: ConfigurationError.self) { try Self.parse(arguments) }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func `an unknown key on the command line is refused with the nearest name`() {
    let error = #expect(throws: ConfigurationError.self) {
      try configuration([("lr", "1"), ("learning_rat", "1")])
    }
    #expect(
      error?.faults == [
        "command line: unknown key 'lr' (torchtune); here it is 'learning_rate'",
        "command line: unknown key 'learning_rat'; did you mean 'learning_rate'?",
      ])
  }
}

struct ConfigurationPrecedenceTests {
  @Test func `flag beats environment beats file beats default`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("lora_r: 1\nseed: 1\nmax_length: 100\n", to: "run.yaml")
    let values = try ConfigurationValues(
      file: path, environment: ["DISTTRAIN_LORA_R": "2", "DISTTRAIN_SEED": "2"],
      overrides: [("lora_r", "3"), ("lora_r", "4")])
    #expect(shown(values["lora_r"]) == ["4", "command line"])
    #expect(shown(values["seed"]) == ["2", "DISTTRAIN_SEED"])
    #expect(shown(values["max_length"]) == ["100", path + ":3"])
    #expect(shown(values["logging_steps"]) == ["10", "default"])
    #expect(values["model_name_or_path"] == nil)
  }

  @Test func `every key has its variable`() throws {
    for key in ConfigurationKey.all {
      let variable = "DISTTRAIN_" + key.name.uppercased()
      let values = try ConfigurationValues(
        file: nil, environment: [variable: "some text"], overrides: [])
      #expect(shown(values[key.name]) == ["some text", variable])
      #expect(values.faults.isEmpty && values.notices.isEmpty)
    }
  }

  @Test func `a wrong variable is named by the fault`() {
    let error = #expect(throws: ConfigurationError.self) {
      try configuration(environment: ["DISTTRAIN_LORA_R": "many"])
    }
    #expect(error?.faults.first?.hasPrefix("DISTTRAIN_LORA_R: lora_r is 'many'") == true)
  }

  @Test(arguments: [
    ("DISTTRAIN_LEARNING_RAT", "DISTTRAIN_LEARNING_RAT: unknown key 'learning_rat'; did you mean"),
    (
      "DISTTRAIN_LORA_RANK",
      "unknown key 'lora_rank' (LLaMA-Factory, torchtune); here it is 'lora_r'"
    ),
  ])
  func `a mistyped or foreign variable is a fault`(variable: String, reason: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try configuration(environment: [variable: "1"])
    }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func `another program's variable is told and ignored`() throws {
    let read = try configuration(environment: [
      "DISTTRAIN_SERVICE_HOST": "10.0.0.1", "DISTTRAIN_PORT": "80", "DISTTRAIN_GOLDEN": "x",
      "DISTTRAIN_TOKENIZERS": "y", "OTHER": "z",
    ])
    #expect(
      read.values.notices == [
        "the variable DISTTRAIN_PORT is no setting and is ignored",
        "the variable DISTTRAIN_SERVICE_HOST is no setting and is ignored",
      ])
  }

  @Test func `warmup_ratio and warmup_steps are one setting in every source`() throws {
    #expect(try configuration([("warmup_ratio", "0.03")]).warmup == 0.03)
    #expect(try configuration([("warmup_ratio", "0.03")]).warmupSteps(of: 125) == 4)
    #expect(try configuration([("warmup_steps", "0.03")]).warmupSteps(of: 125) == 4)
    #expect(try configuration([("warmup_steps", "100")]).warmupSteps(of: 125) == 100)
    #expect(try configuration([("warmup_ratio", "0")]).warmupSteps(of: 125) == 0)
    #expect(try configuration([("warmup_steps", "5"), ("warmup_ratio", "0.5")]).warmup == 0.5)
    let mixed = try configuration(
      [("warmup_steps", "7")], environment: ["DISTTRAIN_WARMUP_RATIO": "0.5"])
    #expect(mixed.warmup == 7)
    #expect(throws: ConfigurationError.self) {
      try configuration(environment: [
        "DISTTRAIN_WARMUP_RATIO": "0.5", "DISTTRAIN_WARMUP_STEPS": "3",
      ])
    }
  }
}

struct ConfigurationRoundTripTests {
  private static let oddPaths = [
    "plain", "a b", "it's", "say \"hi\"", "a: b # c", "- x", "-", "---", "~", "null", "NULL",
    "true",
    "no", "010", "1e-5", "*a", "&a", "!t", "%x", "@x", "`x", "{a}", "[a]", "a,b", "tab\there",
    "two\nlines", "trailing ", " leading", "back\\slash", "caf\u{e9}", "日本語", "\u{1F35C}",
    "x\u{85}\u{2028}y", "bell\u{7}", "del\u{7F}", "bom\u{FEFF}x", "=", "<<", "?", ":", "|", ">",
    "a/b=c",
  ]

  @Test(arguments: oddPaths)
  func `config_yaml reads back as the same configuration`(path: String) throws {
    let first = try configuration([
      ("dataset_path", path), ("init_adapter", path == "null" || path == "~" ? "x" : path),
      ("lora_target_modules", "v_proj, q_proj"), ("learning_rate", "1e-5"), ("max_steps", "-1"),
      ("warmup_ratio", "0.25"), ("shuffle", "off"),
    ])
    let folder = try TemporaryFolder()
    let file = try folder.write(first.yaml, to: "config.yaml")
    let again = try RunConfiguration(
      ConfigurationValues(file: file, environment: [:], overrides: []))
    #expect(again.json == first.json, "\(first.yaml)")
    #expect(again.datasetPath == first.datasetPath)
    #expect(again.lora == first.lora && again.warmup == 0.25 && !again.shuffles)
    #expect(first.differences(from: again.json).isEmpty)
  }

  @Test func `a path of the file with line breaks does not break config_yaml`() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("seed: 5\n", to: "odd\nname: x.yaml")
    let first = try RunConfiguration(
      ConfigurationValues(file: file, environment: [:], overrides: required))
    let copy = try folder.write(first.yaml, to: "config.yaml")
    let again = try RunConfiguration(
      ConfigurationValues(file: copy, environment: [:], overrides: []))
    #expect(again.json == first.json)
  }

  @Test func `every key is in config_yaml with its source`() throws {
    let lines = try configuration([("seed", "7")]).yaml.split(separator: "\n")
    #expect(lines.count == ConfigurationKey.all.count)
    for (line, key) in zip(lines, ConfigurationKey.all) { #expect(line.hasPrefix(key.name + ": ")) }
    #expect(lines.contains("seed: 7  # command line"))
    #expect(lines.contains("logging_steps: 10  # default"))
  }

  @Test func `other ranks get the same configuration`() throws {
    let first = try configuration([("dataset_path", "odd \"path\"\n"), ("seed", "3")])
    let copy = try RunConfiguration(
      ConfigurationValues(json: JSONParser.parse(first.values.json.text())))
    #expect(copy == first)
  }

  @Test func `a resumed run may write the same values otherwise`() throws {
    let first = try configuration([
      ("learning_rate", "2e-4"), ("shuffle", "yes"), ("lora_target_modules", "q_proj,v_proj"),
      ("lora_r", "8"), ("warmup_ratio", "0.10"),
    ])
    let same = try configuration([
      ("learning_rate", "0.0002"), ("shuffle", "true"), ("lora_target_modules", "v_proj, q_proj"),
      ("lora_r", "08"), ("warmup_steps", "1e-1"), ("output_dir", "elsewhere"),
      ("save_steps", "7"), ("threads_per_rank", "2"),
    ])
    #expect(same.differences(from: first.json).isEmpty)
    let other = try configuration([
      ("learning_rate", "3e-4"), ("lora_r", "8"), ("lora_target_modules", "q_proj"),
      ("warmup_ratio", "0.1"),
    ])
    #expect(
      other.differences(from: first.json) == [
        "learning_rate was 2e-4, now 3e-4", "lora_target_modules was q_proj,v_proj, now q_proj",
      ])
  }
}

struct ConfigurationTableTests {
  @Test func `every default is right by its own key`() throws {
    #expect(throws: Never.self) { try configuration() }
    let names = ConfigurationKey.all.map(\.name)
    #expect(Set(names).count == names.count)
    for key in ConfigurationKey.all {
      #expect(key.name.allSatisfy { $0.isLowercase || $0 == "_" }, "\(key.name)")
      #expect(!key.help.isEmpty)
      for alias in key.aliases.keys { #expect(ConfigurationKey.named(alias) == nil, "\(alias)") }
    }
  }

  /// The documented names; taking one away or renaming it breaks users' recipes.
  @Test(arguments: [
    "model_name_or_path", "dataset_path", "output_dir", "init_adapter", "num_train_epochs",
    "max_steps", "learning_rate", "lr_scheduler_type", "warmup_steps", "weight_decay",
    "max_grad_norm", "per_device_train_batch_size", "gradient_accumulation_steps", "max_length",
    "lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "loss_on", "prompt_template",
    "score", "option_order", "shuffle", "train_ratio", "val_ratio", "test_ratio", "seed",
    "precision", "threads_per_rank", "logging_steps", "eval_steps", "save_steps",
    "save_total_limit", "resume_from_checkpoint", "label_smoothing_factor", "oversample_negated",
    "eval_strategy", "folds",
  ])
  func `a documented key is there`(name: String) {
    #expect(ConfigurationKey.named(name)?.name == name)
  }

  private static let recipes = GoldenCase.fixtures("../../recipes")

  @Test func `every recipe is a valid configuration`() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.recipes).sorted()
    #expect(names.count >= 3)
    for name in names {
      let read = try RunConfiguration(
        ConfigurationValues(
          file: "\(Self.recipes)/\(name)", environment: [:], overrides: []))
      #expect(read.optionOrder != .dataset, "\(name): the right option would always be A")
      guard read.folds == nil else {
        #expect(read.batchSize == 8 && read.warmup > 0, "\(name)")
        continue
      }
      #expect(read.split == "seed" && read.accumulation == 16 && read.epochs == 5)
      #expect(read.lora.targets.count == 7 && read.lora.rank == 16 && read.lora.scaling == 2)
    }
  }
}
