internal import ArgumentParser
internal import Foundation
internal import Model

/// disttrain config
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Lists and copies the program's recipes, shows and checks any.",
    discussion: """
      Examples:
        disttrain config ls
        disttrain config cp qwen2.5-7b-recipe-mpr my.yaml
        disttrain config show my.yaml learning_rate=1e-4
        disttrain config validate my.yaml
        disttrain config schema > recipe.schema.json
      """,
    subcommands: [List.self, Copy.self, Show.self, Validate.self, Schema.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "Lists the recipes that come with the program.")

    func run() throws {
      let recipes = try Recipe.all
      let width = recipes.map(\.name.count).max() ?? 0
      for recipe in recipes {
        let space = String(repeating: " ", count: width - recipe.name.count + 2)
        Console.result(recipe.name + space + recipe.summary)
      }
    }
  }

  struct Copy: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "cp", abstract: "Copies a recipe that comes with the program.")

    @Argument(
      help: "A name that `disttrain config ls` prints.",
      completion: .custom { _, _, prefix in SettingCompletion.recipes(prefix) })
    var name: String

    @Argument(
      help: "A file that does not exist, or a folder; the current one by default.",
      completion: .file())
    var destination = "."

    func run() throws {
      let files = FileManager.default
      let recipe = try ConfigCommand.recipe(name)
      let isFolder = (try? files.contentsOfDirectory(atPath: destination)) != nil
      let path = isFolder ? "\(destination)/\(recipe.name).yaml" : destination
      guard !files.fileExists(atPath: path) else {
        throw CommandFailure("\(path) exists already; give another name", exitCode: 73)
      }
      do { try files.copyItem(atPath: recipe.path, toPath: path) } catch {
        throw CommandFailure("cannot write \(path): \(error.localizedDescription)", exitCode: 73)
      }
      Console.result("wrote \(path); next: disttrain train \(path) --dry-run")
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show",
      abstract: "Prints every setting with its value and where that comes from.",
      usage: "disttrain config show [<recipe>] [<settings> ...]",
      discussion: "The output is a recipe itself. Exit code 78 if a setting is wrong.")

    @OptionGroup var options: RunOptions

    func run() throws {
      let (file, overrides) = try ConfigurationValues.parse(options.settings)
      let values = try ConfigurationValues(
        file: file.map(ConfigCommand.path), environment: ProcessInfo.processInfo.environment,
        overrides: overrides)
      for notice in values.notices { Console.alert("warning", notice) }
      Console.result(values.text)
      _ = try RunConfiguration(values)
    }
  }

  struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "validate", abstract: "Checks recipes and tells every fault, with its line.",
      discussion: "Exit code 78 if one is wrong.")

    @Argument(help: "Recipes.", completion: .file(extensions: ["yaml", "yml"]))
    var files: [String]

    func run() throws {
      var codes: [Int32] = []
      for file in files {
        do throws(ConfigurationError) {
          _ = try RunConfiguration(ConfigurationValues(file: file, environment: [:], overrides: []))
          Console.result("good  \(file)")
        } catch {
          codes.append(error.exitCode)
          Console.result("BAD   \(file)")
          for fault in error.faults { Console.result("      \(fault)") }
        }
      }
      if let code = codes.max() { throw ExitCode(code) }
    }
  }

  struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "schema", abstract: "Prints a JSON Schema of recipes, for editors.")

    func run() { Console.result(ConfigurationKey.schema.text(indent: 2)) }
  }

  static func recipe(_ name: String) throws -> Recipe {
    if let recipe = try Recipe.named(name) { return recipe }
    let names = try Recipe.all.map(\.name).joined(separator: ", ")
    throw CommandFailure("there is no recipe '\(name)'; known are \(names)", exitCode: 66)
  }

  /// A file, or the recipe of that name.
  private static func path(_ word: String) -> String {
    if FileManager.default.fileExists(atPath: word) { return word }
    do { return try Recipe.named(word)?.path ?? word } catch { return word }
  }
}

extension ConfigurationValues {
  /// Every setting as a line of a recipe, and where its value comes from.
  package var text: String {
    let lines = ConfigurationKey.all.map { key -> (line: String, source: String) in
      guard let value = self[key.name] else { return ("\(key.name):", "missing; it must be given") }
      return ("\(key.name): \(RunConfiguration.quoted(value.text))", value.source)
    }
    let width = min(48, lines.map(\.line.count).max() ?? 0)
    return lines.map {
      let source = String($0.source.map { $0.isNewline ? " " : $0 })
      return $0.line + String(repeating: " ", count: max(0, width - $0.line.count))
        + "  # \(source)"
    }.joined(separator: "\n")
  }
}
