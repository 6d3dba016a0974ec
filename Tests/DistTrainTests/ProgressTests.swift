import DistTrain
import Foundation
import Model
import TestSupport
import Testing

@Suite(.enabled(if: CommandRunner.hasMPI, "mpirun is not installed"))
struct ProgressTests {
  private static func train(
    _ flags: [String], environment: [String: String] = [:]
  ) throws -> CommandResult {
    let tiny = try TinyRun()
    let result = try CommandRunner.run(
      "disttrain", ["train"] + flags + tiny.settings("run"), environment: environment)
    try #require(result.status == 0, "\(result.errorOutput)")
    return result
  }

  private static func hasControls(_ text: String) -> Bool {
    text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" }
  }

  @Test(arguments: [[], ["-n", "2"]])
  func `in a file there are whole lines without control characters`(launch: [String]) throws {
    let result = try Self.train(launch, environment: ["LANG": "C.UTF-8", "TERM": "xterm"])
    #expect(!Self.hasControls(result.errorOutput) && !Self.hasControls(result.output))
    let lines = result.errorOutput.split(separator: "\n")
    let header = try #require(lines.firstIndex { $0.hasPrefix("  step   epoch      loss") })
    let rows = lines[(header + 1)...].filter { $0.split(separator: " ").count == 7 }
    #expect(rows.compactMap { $0.split(separator: " ").first }.prefix(4) == ["2", "4", "6", "8"])
    #expect(lines.count { $0.contains("  validation, ") } == 2)
    for line in lines[..<header] where !line.hasPrefix("+ mpirun") && !line.hasPrefix("warning") {
      #expect(line.count <= 80, "\(line)")
    }
  }

  @Test(arguments: [["--progress", "tty"], ["-n", "2", "--progress", "tty"]])
  func `the live line reaches the rank that draws it, and is gone at the end`(
    flags: [String]
  ) throws {
    let result = try Self.train(flags, environment: ["NO_COLOR": "1", "COLUMNS": "50"])
    let clear = "\r\u{1B}[K"
    let live = result.errorOutput.components(separatedBy: clear).filter {
      $0.contains("/8  ") && !$0.contains("\n")
    }
    #expect(!live.isEmpty, "\(result.errorOutput)")
    #expect(live.allSatisfy { $0.count < 50 })
    #expect(result.errorOutput.hasSuffix("\n"))
    #expect(!result.errorOutput.replacing(clear, with: "").contains("\u{1B}"))
  }

  @Test func `programs are told in JSON alone`() throws {
    let result = try Self.train(["-n", "2"], environment: ["DISTTRAIN_PROGRESS": "json"])
    let events = try result.errorOutput.split(separator: "\n").map {
      try JSONParser.parse(String($0))
    }
    let steps = events.filter { $0["event"]?.stringValue == "step" }
    #expect(steps.compactMap { $0["step"]?.intValue } == [2, 4, 6, 8])
    #expect(steps.allSatisfy { $0["total_steps"]?.intValue == 8 && $0["loss"]?.doubleValue != nil })
    let start = try #require(events.first { $0["event"]?.stringValue == "start" })
    #expect(start["ranks"]?.intValue == 2 && start["train"]?.intValue == 19)
    #expect(events.count { $0["event"]?.stringValue == "validation" } == 2)
    #expect(result.output.contains("held out"))
  }

  @Test func `off is silent, and a wrong style is refused`() throws {
    let result = try Self.train(["-n", "2", "--progress", "off"])
    let rest = result.errorOutput.split(separator: "\n").filter { !$0.hasPrefix("warning:") }
    #expect(rest.isEmpty, "\(rest)")
    #expect(result.output.contains("held out"))
    let tiny = try TinyRun()
    let wrong = try CommandRunner.run(
      "disttrain", ["train"] + tiny.settings("run"), environment: ["DISTTRAIN_PROGRESS": "loud"])
    #expect(wrong.status == 78 && wrong.errorOutput.contains("DISTTRAIN_PROGRESS is 'loud'"))
    let flag = try CommandRunner.run(
      "disttrain", ["train", "--progress", "loud"] + tiny.settings("run"))
    #expect(flag.status == 64)
  }
}

struct ManualTests {
  private static let tools = ["/usr/bin/python3", "/usr/bin/groff"]

  @Test(
    .enabled(
      if: tools.allSatisfy { FileManager.default.isExecutableFile(atPath: $0) },
      "python3 or groff is not installed"))
  func `every command has a manual page without faults`() async throws {
    let folder = try TemporaryFolder()
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
    let program = try MPILauncher.builtProduct("disttrain")
    let made = try await MPILauncher.runCommand(
      "python3", [root + "/scripts/man", folder.path, program])
    try #require(made.status == 0, "\(made.errorOutput)")
    let pages = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(pages.count > 12 && pages.contains("disttrain.1") && pages.contains("disttrain-env.1"))
    for page in pages {
      let path = folder.path + "/" + page
      let checked = try await MPILauncher.runCommand(
        "groff", ["-ww", "-z", "-man", "-Tutf8", path])
      #expect(checked.status == 0 && checked.errorOutput.isEmpty, "\(page) \(checked.errorOutput)")
    }
  }
}
