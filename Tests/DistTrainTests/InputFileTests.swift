import Checkpoints
import DistTrain
import Foundation
import Glibc
import TestSupport
import Testing

/// What the user names may be anything: nothing is waited for, read for ever, or taken for an empty file.
struct InputFileTests {
  /// Opens `path` as one kind of input; the exit code and text of its refusal.
  private struct Reader: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let read: @Sendable (String) throws -> Void

    func refusal(_ path: String) -> (code: Int32, text: String)? {
      do {
        try read(path)
        return nil
      } catch {
        return (CommandFailure.exitCode(of: error), "\(error)")
      }
    }
  }

  private static let readers = [
    Reader(testDescription: "data set") { _ = try Dataset(path: $0) },
    Reader(testDescription: "split") {
      _ = try Split.file($0, count: 10, train: 0.8, validation: 0.1, seed: 1)
    },
    Reader(testDescription: "recipe") {
      _ = try ConfigurationValues(file: $0, environment: [:], overrides: [])
    },
    Reader(testDescription: "host file") { _ = try HostFile(path: $0) },
  ]

  @Test(arguments: readers)
  private func `what is no file that can be read is missing input`(reader: Reader) throws {
    let folder = try TemporaryFolder()
    try #require(unsafe mkfifo(folder.path + "/pipe", 0o600) == 0)
    let giant = try folder.write("x", to: "giant")
    try #require(unsafe truncate(giant, 1 << 40) == 0)
    for (path, reason) in [
      (folder.path + "/none", "does not exist"), (folder.path, "is a folder, not a file"),
      (folder.path + "/pipe", "is not a regular file"), ("/dev/zero", "is not a regular file"),
      (giant, "has 1099511627776 bytes, more than"),
    ] {
      let refusal = reader.refusal(path)
      #expect(refusal?.code == 66)
      #expect(refusal?.text.contains("\(path) \(reason)") == true, "\(String(describing: refusal))")
    }
  }

  @Test func `a link in the run's folder is replaced, not followed`() throws {
    let outside = try TemporaryFolder()
    let victim = try outside.write("precious", to: "victim")
    let run = try TemporaryFolder()
    let folder = RunFolder(run.path)
    try folder.checkpoints.prepare()
    for name in ["results.json", "checkpoints/step-000120.h5"] {
      try FileManager.default.createSymbolicLink(
        atPath: run.path + "/" + name, withDestinationPath: victim)
    }
    try folder.write("{}", to: "results.json")
    _ = try folder.checkpoints.save(.sample(step: 120))
    #expect(try String(contentsOfFile: victim, encoding: .utf8) == "precious")
    #expect(folder.lines(of: "results.json") == ["{}"])
    #expect(try folder.checkpoints.newest().found?.checkpoint.step == 120)
  }

  @Test func `overwriting a run removes links and not what they lead to`() throws {
    let outside = try TemporaryFolder()
    let victim = try outside.write("precious", to: "adapter/victim")
    let run = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      atPath: run.path + "/adapter", withDestinationPath: outside.path + "/adapter")
    try RunFolder(run.path).prepare(resumes: false, overwrites: true)
    #expect(try String(contentsOfFile: victim, encoding: .utf8) == "precious")
    #expect(!FileManager.default.fileExists(atPath: run.path + "/adapter"))
  }

  @Test func `an adapter is not written through a link`() throws {
    let outside = try TemporaryFolder()
    let victim = try outside.write("precious", to: "adapter_config.json")
    let run = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: run.path + "/adapter", withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(
      atPath: run.path + "/adapter/adapter_config.json", withDestinationPath: victim)
    try RunFolder(run.path).write("{}", to: "adapter/adapter_config.json")
    #expect(try String(contentsOfFile: victim, encoding: .utf8) == "precious")
  }
}
