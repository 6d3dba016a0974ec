internal import ArgumentParser
internal import Collective
internal import Foundation
internal import Logging
internal import Model

/// What `train` and `evaluate` take: a recipe and settings.
struct RunOptions: ParsableArguments {
  @Argument(
    parsing: .allUnrecognized,
    help: ArgumentHelp(
      "A recipe (YAML) and settings: key=value or --key value, which win over the recipe.",
      valueName: "recipe-and-settings"),
    completion: .custom { _, _, prefix in SettingCompletion.words(prefix) })
  var settings: [String] = []

  static var keyHelp: String {
    "Settings (also DISTTRAIN_<KEY> in the environment):\n\n" + ConfigurationKey.helpText
  }

  /// Resolves the configuration on the root and gives it to every rank.
  static func resolve(
    _ job: borrowing Job, file: String?, overrides: [(key: String, value: String)]
  ) throws -> RunConfiguration {
    var bytes: [UInt8] = []
    try job.onRoot {
      let values = try ConfigurationValues(
        file: file, environment: ProcessInfo.processInfo.environment, overrides: overrides)
      for notice in values.notices { job.log.warning("\(notice)") }
      _ = try RunConfiguration(values)
      bytes = Array(values.json.text().utf8)
    }
    bytes = try job.ranks.broadcast(bytes)
    let configuration = try RunConfiguration(ConfigurationValues(json: JSONParser.parse(bytes)))
    job.setPatience(seconds: configuration.watchdogSeconds)
    return configuration
  }

  /// Threads per rank as recipe and settings give them, for the launcher; what is wrong in them the ranks will tell.
  static func threads(_ overrides: [(key: String, value: String)], file: String? = nil) -> Int {
    do throws(ConfigurationError) {
      let values = try ConfigurationValues(
        file: file, environment: ProcessInfo.processInfo.environment, overrides: overrides)
      return values["threads_per_rank"].flatMap { Int($0.text) } ?? 1
    } catch { return 1 }
  }
}
