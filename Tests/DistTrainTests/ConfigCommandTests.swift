import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct ConfigCommandTests {
  private static func run(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> CommandResult {
    try CommandRunner.run("disttrain", ["config"] + arguments, environment: environment)
  }

  @Test func `recipes are listed, copied once, and good`() throws {
    let list = try Self.run(["ls"]).output.split(separator: "\n")
    let names = list.compactMap { $0.split(separator: " ").first.map(String.init) }
    #expect(names.contains("qwen2.5-7b-recipe-mpr") && names.contains("qwen3-8b-recipe-mpr"))
    #expect(list.allSatisfy { $0.contains("Recipe-MPR") })
    let folder = try TemporaryFolder()
    for name in names {
      #expect(try Self.run(["cp", name, folder.path]).status == 0)
      let again = try Self.run(["cp", name + ".yaml", folder.path])
      #expect(again.status == 73 && again.errorOutput.contains("exists already"))
    }
    let files = names.map { folder.path + "/\($0).yaml" }
    let checked = try Self.run(["validate"] + files)
    #expect(checked.status == 0 && checked.output.split(separator: "\n").count == files.count)
    #expect(try Self.run(["cp", names[0], folder.path + "/other.yaml"]).status == 0)
    let unknown = try Self.run(["cp", "qwen9"])
    #expect(unknown.status == 66 && unknown.errorOutput.contains(names[0]))
  }

  @Test func `every recipe's own lines are commands that parse`() throws {
    let folder = try TemporaryFolder()
    for recipe in try Recipe.all {
      let text = String(
        decoding: try #require(FileManager.default.contents(atPath: recipe.path)), as: UTF8.self)
      let commands = text.split(separator: "\n").filter {
        $0.hasPrefix("#") && $0.contains(" disttrain ")
      }.map { $0.split(separator: " ").drop { $0 != "disttrain" }.dropFirst().map(String.init) }
      #expect(commands.contains { $0.contains("-n") } && commands.count >= 3, "\(recipe.name)")
      for command in commands {
        #expect(command.first == "train" && command[1] == "recipes/\(recipe.name).yaml")
        // Without the data the command ends before it starts anything, after its words are read.
        let words = command.map { $0.hasPrefix("recipes/") ? recipe.path : $0 }
          .filter { $0 != "-n" && $0 != "4" && $0 != "--hostfile" && $0 != "hostfiles/my-hosts" }
        let result = try CommandRunner.run(
          "disttrain", words + ["dataset_path=/nowhere/q.json", "output_dir=\(folder.path)/run"])
        #expect(result.status == 66, "\(command): \(result.errorOutput)")
      }
    }
  }

  @Test func `show says where each value comes from, and can be read back`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "model_name_or_path: 'm: x'\ndataset_path: d\noutput_dir: o\nlora_r: 4\nwarmup_ratio: 0.1\n",
      to: "a.yaml")
    let result = try Self.run(
      ["show", path, "seed=7"], environment: ["DISTTRAIN_LORA_ALPHA": "9"])
    try #require(result.status == 0, "\(result.errorOutput)")
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines.count == ConfigurationKey.all.count)
    func line(_ name: String) -> [String] {
      lines.first { $0.hasPrefix(name + ":") }?.components(separatedBy: "  # ")
        .map { $0.trimmingCharacters(in: .whitespaces) } ?? []
    }
    #expect(line("lora_r") == ["lora_r: 4", "\(path):4"])
    #expect(line("lora_alpha") == ["lora_alpha: 9", "DISTTRAIN_LORA_ALPHA"])
    #expect(line("seed") == ["seed: 7", "command line"])
    #expect(line("warmup_steps") == ["warmup_steps: 0.1", "\(path):5"])
    #expect(line("max_length") == ["max_length: 512", "default"])
    let copy = try folder.write(result.output, to: "b.yaml")
    let read = try RunConfiguration(
      ConfigurationValues(file: copy, environment: [:], overrides: []))
    #expect(read.modelName == "m: x" && read.lora.rank == 4 && read.seed == 7)
    let named = try Self.run(["show", "qwen3-8b-recipe-mpr"])
    #expect(named.output.contains("model_name_or_path: models/Qwen3-8B "))
    let wrong = try Self.run(["show", path, "lora_r=x"])
    #expect(wrong.status == 78 && wrong.output.contains("lora_r: x"))
  }

  @Test func `validate tells every fault of every file`() throws {
    let folder = try TemporaryFolder()
    let good = try folder.write("model_name_or_path: m\ndataset_path: d\noutput_dir: o\n", to: "a")
    let bad = try folder.write("output_dir: o\nlora_r: x\nlerning_rate: 1\n", to: "b")
    let result = try Self.run(
      ["validate", good, bad], environment: ["DISTTRAIN_LORA_R": "another's"])
    #expect(result.status == 78)
    #expect(result.output.contains("good  \(good)\nBAD   \(bad)\n"))
    for fault in ["b:2: lora_r is 'x'", "did you mean 'learning_rate'", "dataset_path is missing"] {
      #expect(result.output.contains(fault), "\(result.output)")
    }
    #expect(try Self.run(["validate", "/nowhere"]).status == 66)
  }

  @Test func `the schema has every key with its type, range and default`() throws {
    let schema = try JSONParser.parse(Self.run(["schema"]).output)
    #expect(schema == ConfigurationKey.schema)
    let properties = try #require(schema["properties"]?.objectValue)
    let names = ConfigurationKey.all.flatMap { [$0.name] + ($0.shareName.map { [$0] } ?? []) }
    #expect(properties.keys == names)
    #expect(schema["additionalProperties"]?.boolValue == false)
    #expect(
      schema["required"]?.arrayValue
        == ["model_name_or_path", "dataset_path", "output_dir"].map(JSONValue.string))
    #expect(properties["lora_r"]?["default"]?.intValue == 16)
    #expect(properties["lora_r"]?["minimum"]?.intValue == 1)
    #expect(properties["shuffle"]?["default"]?.boolValue == true)
    #expect(properties["learning_rate"]?["default"]?.doubleValue == 0.0002)
    #expect(properties["precision"]?["enum"]?.arrayValue?.count == 2)
    for value in properties.values { #expect(value["description"]?.stringValue != nil) }
  }
}

struct CompletionTests {
  @Test(arguments: ["bash", "zsh", "fish"])
  func `every shell gets a script with all commands`(shell: String) throws {
    let result = try CommandRunner.run("disttrain", ["--generate-completion-script", shell])
    #expect(result.status == 0)
    for command in ["train", "evaluate", "config", "env", "launch", "plan"] {
      #expect(result.output.contains(command), "\(command)")
    }
    for option in ["progress", "dry-run", "hostfile"] {
      #expect(result.output.contains(option), "\(option)")
    }
  }

  /// What bash offers for the last of `words`.
  private static func offered(_ words: [String], in folder: String) async throws -> [String] {
    let program = try MPILauncher.builtProduct("disttrain")
    let script = """
      cd "$0"; source <("$1" --generate-completion-script bash); shift
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
      _disttrain; printf '%s\\n' "${COMPREPLY[@]}"
      """
    let result = try await MPILauncher.runCommand(
      "bash", ["-c", script, folder, program, program] + words)
    return result.output.split(separator: "\n").map(String.init)
  }

  @Test func `keys, their values and recipes are offered`() async throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("", to: "learn.yaml")
    _ = try folder.write("", to: "learn.txt")
    let keys = try await Self.offered(["train", "lear"], in: folder.path)
    #expect(Set(keys) == ["learn.yaml", "learning_rate="], "\(keys)")
    let values = try await Self.offered(["train", "precision="], in: folder.path)
    #expect(values.contains { $0.hasSuffix("bfloat16") } && values.count == 2, "\(values)")
    let recipes = try await Self.offered(["config", "cp", "qwen2"], in: folder.path)
    #expect(recipes == ["qwen2.5-7b-recipe-mpr"])
  }
}
