internal import Foundation

/// The local cache of Hugging Face's tools, in which models are found by their names; nothing is ever downloaded.
///
/// models--<owner>--<name>/refs/main names a commit, and snapshots/<commit> is the model's folder.
package struct HubCache: Sendable {
  package let folder: String

  /// HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub.
  package init(environment: [String: String]) {
    func given(_ name: String) -> String? {
      environment[name].flatMap { $0.isEmpty ? nil : Self.withHome($0, environment) }
    }
    folder =
      given("HF_HUB_CACHE") ?? given("HF_HOME").map { $0 + "/hub" }
      ?? Self.withHome("~/.cache/huggingface/hub", environment)
  }

  package static var own: HubCache {
    HubCache(environment: ProcessInfo.processInfo.environment)
  }

  private static func withHome(_ path: String, _ environment: [String: String]) -> String {
    guard path.hasPrefix("~/") else { return path }
    return (environment["HOME"] ?? NSHomeDirectory()) + path.dropFirst()
  }

  /// Whether a text can be the name of a model: "Qwen/Qwen3-0.6B", or one word.
  package static func isName(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return (1...2).contains(parts.count)
      && parts.allSatisfy { part in
        part.first.map { $0.isASCII && ($0.isLetter || $0.isNumber) } == true
          && part.utf8.allSatisfy {
            $0 < 0x80
              && (Character(Unicode.Scalar($0)).isLetter || "0123456789._-".utf8.contains($0))
          }
      }
  }

  /// The folder of the model `name`; nil where the cache does not have it.
  package func snapshot(of name: String) -> String? {
    guard Self.isName(name) else { return nil }
    let model = folder + "/models--" + name.replacing("/", with: "--")
    guard let bytes = FileManager.default.contents(atPath: model + "/refs/main") else { return nil }
    let commit = String(decoding: bytes, as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    guard !commit.isEmpty, commit.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else {
      return nil
    }
    let path = model + "/snapshots/" + commit
    return FileManager.default.fileExists(atPath: path + "/config.json") ? path : nil
  }

  /// The folder that model_name_or_path means: itself where it exists, else the cached model of that name.
  package func resolve(_ path: String) -> String {
    FileManager.default.fileExists(atPath: path) ? path : snapshot(of: path) ?? path
  }

  /// What to do where neither a folder nor the cache has the model.
  package func advice(_ path: String) -> String {
    guard Self.isName(path) else {
      return "give model_name_or_path the folder with config.json, the safetensors files and"
        + " tokenizer.json, or a model's name on the hub"
    }
    return "and \(folder) has no model of that name. If it is a name on the hub, download it with\n"
      + "  hf download \(path)\n"
      + "on every host, else give model_name_or_path the model's folder; training uses no network"
  }
}
