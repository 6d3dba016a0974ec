package import Model

internal import Foundation

/// One folder of reference values: a model, an adapter, token sequences and what PyTorch computes from them.
package struct GoldenCase: Sendable, CustomStringConvertible {
  package let name: String
  package let folder: String
  package var description: String { name }

  /// `$DISTTRAIN_GOLDEN`, or the repository's own fixtures.
  package static var root: String {
    ProcessInfo.processInfo.environment["DISTTRAIN_GOLDEN"] ?? fixtures("golden")
  }

  /// A folder below Tests/Fixtures.
  package static func fixtures(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/\(name)").path
  }

  /// Every case of a decoder model under `root`; a folder without cases.json is no case.
  package static var decoders: [GoldenCase] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    return names.sorted().compactMap { name in
      let folder = root + "/" + name
      guard let config = try? json(folder + "/model/config.json"),
        FileManager.default.fileExists(atPath: folder + "/cases.json"),
        let type = config["model_type"]?.stringValue, ["qwen2", "qwen3", "llama"].contains(type)
      else { return nil }
      return GoldenCase(name: name, folder: folder)
    }
  }

  /// A parsed JSON file.
  package static func json(_ path: String) throws -> JSONValue {
    try JSONParser.parse(Array(Data(contentsOf: URL(filePath: path))))
  }

  package func cases() throws -> JSONValue { try Self.json(folder + "/cases.json") }
}
