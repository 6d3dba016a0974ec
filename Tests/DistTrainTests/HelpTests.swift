import DistTrain
import Foundation
import TestSupport
import Testing

struct HelpTests {
  @Test func `every key is explained within eighty columns`() {
    let lines = ConfigurationKey.helpText.split(separator: "\n", omittingEmptySubsequences: false)
    for line in lines { #expect(line.count <= 80, "\(line)") }
    for key in ConfigurationKey.all {
      #expect(lines.count { $0.hasPrefix("  \(key.name) ") } == 1, "\(key.name)")
    }
    #expect(lines.contains("  learning_rate [0.0002]: highest rate of the schedule"))
    #expect(lines.contains("  output_dir (required): folder that the run is written to"))
    #expect(lines.contains("  lr_scheduler_type linear|cosine|constant [linear]"))
    #expect(lines.contains("      shape of the rate after the warmup"))
  }

  @Test func `long explanations are wrapped without losing a word`() {
    func words(_ text: String) -> [Substring] { text.split { $0 == " " || $0 == "\n" } }
    for key in ConfigurationKey.all {
      let all = words(ConfigurationKey.helpText).joined(separator: " ")
      #expect(all.contains(key.help), "\(key.name)")
    }
  }

  @Test(arguments: ["demo", "train", "evaluate", "inspect", "plan", "doctor"])
  func `help says what a command does and shows how to call it`(command: String) throws {
    let result = try CommandRunner.run(
      "disttrain", [command, "--help"], environment: ["COLUMNS": "80"])
    #expect(result.status == 0)
    #expect(result.output.hasPrefix("OVERVIEW: "))
    #expect(result.output.contains("\nUSAGE: disttrain \(command)"))
  }

  @Test(arguments: ["inspect", "bench", "synthesize", "report", "watch", "baselines", "compare"])
  func `help fits eighty columns`(command: String) throws {
    let result = try CommandRunner.run(
      "disttrain", [command, "--help"], environment: ["COLUMNS": "80"])
    for line in result.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    #expect(result.output.contains("disttrain \(command) "))
  }
}
