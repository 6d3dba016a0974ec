import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct ProvenanceTests {
  @Test func `a digest is what sha256sum prints, also of a file larger than a piece`() throws {
    let path = NSTemporaryDirectory() + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("abc".utf8).write(to: URL(filePath: path))
    #expect(
      try FileDigest.digest(ofFile: path)
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    try Data(repeating: 97, count: 3 << 20).write(to: URL(filePath: path))
    #expect(
      try FileDigest.digest(ofFile: path)
        == "6f850bc94ae6f7de14297c01616c36d712d22864497b28a63b81d776b035e656")
  }

  @Test func `a missing file has no digest`() {
    #expect(throws: ModelError.self) { try FileDigest.digest(ofFile: "/nowhere/at/all") }
  }

  @Test(.enabled(if: CommandRunner.hasMPI, "mpirun is not installed"))
  func `a run records its inputs, its machine and a log of each rank`() throws {
    let tiny = try TinyRun()
    let result = try CommandRunner.run(
      "disttrain", ["train"] + tiny.settings("run", ["max_steps=2"]), ranks: 2)
    try #require(result.status == 0, "\(result.errorOutput)")
    let environment = try JSONParser.parse(tiny.bytes("run/env.json"))
    #expect(environment["ranks"]?.intValue == 2)
    #expect(environment["hosts"]?.arrayValue?.count == 2)
    #expect(environment["identity"]?["model_sha256"]?.stringValue?.count == 64)
    #expect(environment["blas_core"]?.stringValue?.isEmpty == false)
    for rank in 0..<2 {
      let log = String(decoding: try tiny.bytes("run/logs/rank-00\(rank).log"), as: UTF8.self)
      #expect(log.contains("rank \(rank) of 2 on "), "\(log)")
    }
  }

  @Test func `a checkpoint of another base model is refused by the digest`() throws {
    let tiny = try TinyRun()
    let first = try CommandRunner.run(
      "disttrain", ["train"] + tiny.settings("run", ["max_steps=2"]))
    try #require(first.status == 0, "\(first.errorOutput)")
    var weights = try tiny.bytes("model.safetensors")
    weights[weights.count - 3] ^= 1
    try Data(weights).write(to: URL(filePath: tiny.folder + "/model.safetensors"))
    let resumed = try CommandRunner.run(
      "disttrain",
      ["train"] + tiny.settings("run", ["max_steps=2", "resume_from_checkpoint=auto"]))
    #expect(resumed.status == 65)
    #expect(resumed.errorOutput.contains("model_sha256 was"), "\(resumed.errorOutput)")
  }
}
