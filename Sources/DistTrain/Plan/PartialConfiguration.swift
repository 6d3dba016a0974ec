internal import Collective
internal import Foundation
internal import Model

/// The settings of a run that need not name its model, data and output yet.
package struct PartialConfiguration: Sendable {
  package let configuration: RunConfiguration
  private static let missing = "-"

  /// Types and checks what is given; the rest has its default.
  package init(_ values: ConfigurationValues) throws(ConfigurationError) {
    configuration = try RunConfiguration(values)
  }

  package var modelPath: String? { Self.given(configuration.modelPath) }
  package var datasetPath: String? { Self.given(configuration.datasetPath) }
  package var outputPath: String? { Self.given(configuration.outputPath) }

  private static func given(_ path: String) -> String? { path == missing ? nil : path }

  /// The settings of all sources, with a mark where a required one is missing.
  package static func values(
    file: String?, overrides: [(key: String, value: String)],
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ConfigurationError) -> ConfigurationValues {
    let given = try ConfigurationValues(
      file: file, environment: environment, overrides: overrides)
    let required = ConfigurationKey.all.filter { $0.fallback == nil && given[$0.name] == nil }
    return try ConfigurationValues(
      file: file, environment: environment,
      overrides: overrides + required.map { ($0.name, missing) })
  }

  /// Resolves the settings on the root and gives them to every rank.
  static func resolve(
    _ job: borrowing Job, file: String?, overrides: [(key: String, value: String)]
  ) throws -> PartialConfiguration {
    var bytes: [UInt8] = []
    try job.onRoot {
      let values = try values(file: file, overrides: overrides)
      _ = try RunConfiguration(values)
      bytes = Array(values.json.text().utf8)
    }
    bytes = try job.ranks.broadcast(bytes)
    let resolved = try PartialConfiguration(
      ConfigurationValues(json: JSONParser.parse(bytes)))
    job.setPatience(seconds: resolved.configuration.watchdogSeconds)
    return resolved
  }
}
