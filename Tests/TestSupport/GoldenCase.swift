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

  /// Every folder below `root`: whatever its state, it is a case that somebody has to answer for.
  package static func all(in root: String) -> [GoldenCase] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    return names.sorted().compactMap { name in
      let folder = root + "/" + name
      var isFolder: ObjCBool = false
      guard unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder),
        isFolder.boolValue, !name.hasPrefix("."), name != "__pycache__"
      else { return nil }
      return GoldenCase(name: name, folder: folder)
    }
  }

  /// The cases under `root` that decoder tests must compute: all but those of an encoder.
  ///
  /// Never empty, so that no test passes for want of cases: a root without any stands for itself and fails.
  package static var decoders: [GoldenCase] {
    let decoders = all(in: root).filter { $0.encoderFamily == nil }
    return decoders.isEmpty ? [GoldenCase(name: "no case in \(root)", folder: root)] : decoders
  }

  /// The cases under `root` that encoder tests must compute; never empty either.
  package static var encoders: [GoldenCase] {
    let encoders = all(in: root).filter { $0.encoderFamily != nil }
    return encoders.isEmpty ? [GoldenCase(name: "no case in \(root)", folder: root)] : encoders
  }

  /// The model type of an encoder; nil for decoders and for what cannot be read.
  package var encoderFamily: String? {
    guard let config = try? Self.json(folder + "/model/config.json"),
      let type = config["model_type"]?.stringValue,
      EncoderConfiguration.Architecture(rawValue: type) != nil
    else { return nil }
    return type
  }

  /// A parsed JSON file.
  package static func json(_ path: String) throws -> JSONValue {
    try JSONParser.parse(Array(Data(contentsOf: URL(filePath: path))))
  }

  package func cases() throws -> JSONValue { try Self.json(folder + "/cases.json") }
}
