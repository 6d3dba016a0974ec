import DistTrain
import Foundation
import TestSupport
import Testing

struct HubCacheTests {
  /// A cache with one snapshot of a model, whose files are links as the hub's tools make them.
  private static func cache(
    _ name: String, commit: String, in folder: TemporaryFolder, reference: String? = nil,
    files: [String] = ["config.json"]
  ) throws {
    let manager = FileManager.default
    let model = folder.path + "/hub/models--" + name.replacing("/", with: "--")
    for part in ["/refs", "/blobs", "/snapshots/" + commit] {
      try manager.createDirectory(atPath: model + part, withIntermediateDirectories: true)
    }
    try Data((reference ?? commit).utf8).write(to: URL(filePath: model + "/refs/main"))
    for file in files {
      try Data("{}".utf8).write(to: URL(filePath: model + "/blobs/" + file))
      try manager.createSymbolicLink(
        atPath: model + "/snapshots/\(commit)/\(file)",
        withDestinationPath: "../../blobs/" + file)
    }
  }

  private static let commit = "c1899de289a04d12100db370d81485cdf75e47ca"

  @Test func `the variables name the cache in this order`() {
    func folder(_ environment: [String: String]) -> String {
      HubCache(environment: environment).folder
    }
    #expect(folder(["HOME": "/h"]) == "/h/.cache/huggingface/hub")
    #expect(folder(["HOME": "/h", "HF_HOME": "/x"]) == "/x/hub")
    #expect(folder(["HOME": "/h", "HF_HOME": ""]) == "/h/.cache/huggingface/hub")
    #expect(folder(["HOME": "/h", "HF_HOME": "/x", "HF_HUB_CACHE": "/y"]) == "/y")
    #expect(folder(["HOME": "/h", "HF_HUB_CACHE": "~/z"]) == "/h/z")
  }

  @Test func `a name is found through its reference`() throws {
    let folder = try TemporaryFolder()
    try Self.cache(
      "Qwen/Qwen3-0.6B", commit: Self.commit, in: folder, reference: Self.commit + "\n")
    try Self.cache("gpt2", commit: Self.commit, in: folder)
    let cache = HubCache(environment: ["HF_HOME": folder.path])
    let models = folder.path + "/hub/models--"
    #expect(
      cache.resolve("Qwen/Qwen3-0.6B") == models + "Qwen--Qwen3-0.6B/snapshots/" + Self.commit)
    #expect(cache.resolve("gpt2") == models + "gpt2/snapshots/" + Self.commit)
    #expect(cache.resolve("Qwen/Qwen3-8B") == "Qwen/Qwen3-8B")
    #expect(cache.resolve(folder.path) == folder.path, "a folder is itself")
  }

  @Test func `what is incomplete or leads elsewhere is not found`() throws {
    let folder = try TemporaryFolder()
    try Self.cache("a/no-files", commit: Self.commit, in: folder, files: [])
    try Self.cache("a/no-commit", commit: Self.commit, in: folder, reference: "../../../etc")
    try Self.cache("a/other", commit: Self.commit, in: folder, reference: "0123456789abcdef")
    let cache = HubCache(environment: ["HF_HOME": folder.path])
    for name in ["a/no-files", "a/no-commit", "a/other", "a/../b", "..", "a/b/c", "", "/a", "a/"] {
      #expect(cache.snapshot(of: name) == nil, "\(name)")
    }
  }

  @Test(
    arguments: ["Qwen/Qwen3-0.6B", "gpt2", "a_b/C.d-1"], ["./m", "/m/n", "a/b/c", "-a", "ä/b"])
  func `names of models are told from paths`(name: String, path: String) {
    #expect(HubCache.isName(name) && !HubCache.isName(path))
  }

  @Test func `a run finds its model in the cache and keeps the name`() throws {
    let tiny = try TinyRun()
    let folder = try TemporaryFolder()
    try Self.cache("tiny/model", commit: Self.commit, in: folder, files: [])
    let snapshot = folder.path + "/hub/models--tiny--model/snapshots/" + Self.commit
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
      try FileManager.default.createSymbolicLink(
        atPath: snapshot + "/" + file, withDestinationPath: tiny.folder + "/" + file)
    }
    let settings = tiny.settings("run", ["max_steps=1", "model_name_or_path=tiny/model"])
    let environment = ["HF_HOME": folder.path]
    let result = try CommandRunner.run("disttrain", ["train"] + settings, environment: environment)
    try #require(result.status == 0, "\(result.errorOutput)")
    #expect(result.errorOutput.contains("model      tiny/model\n"))
    let adapter = String(
      decoding: try tiny.bytes("run/adapter/adapter_config.json"), as: UTF8.self)
    #expect(adapter.contains("\"base_model_name_or_path\": \"tiny/model\""))
    let export = try CommandRunner.run(
      "disttrain", ["export", tiny.folder + "/run", "--output", tiny.folder + "/out"],
      environment: environment)
    #expect(export.status == 0, "\(export.errorOutput)")
    let missing = try CommandRunner.run(
      "disttrain", ["train"] + settings, environment: ["HF_HOME": "/nowhere"])
    #expect(missing.status == 66)
    #expect(missing.errorOutput.contains("\n  hf download tiny/model\n"), "\(missing.errorOutput)")
    #expect(missing.errorOutput.contains("/nowhere/hub has no model of that name"))
  }
}
