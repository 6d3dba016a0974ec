import Foundation
import Model
import TestSupport
import Testing

struct AskCommandTests {
  @Test func `a run answers a question by probabilities and by words`() throws {
    let tiny = try TinyRun()
    let trained = try CommandRunner.run(
      "disttrain", ["train"] + tiny.settings("run", ["max_steps=1", "option_order=shuffled"]))
    try #require(trained.status == 0, "\(trained.errorOutput)")
    let run = tiny.folder + "/run"
    let options = ["leek soup", "ice", "bread"].flatMap { ["--option", $0] }
    let asked = try CommandRunner.run(
      "disttrain", ["ask", run, "--question", "What is warm?", "--json"] + options)
    #expect(asked.status == 0, "\(asked.errorOutput)")
    let json = try JSONParser.parse(asked.output)
    let values = try #require(json["probabilities"]?.arrayValue)
    let probabilities = values.compactMap(\.doubleValue)
    #expect(probabilities.count == 3 && abs(probabilities.reduce(0, +) - 1) < 1e-6)
    #expect(json["options"]?.arrayValue?.count == 3)
    let shown = try CommandRunner.run(
      "disttrain", ["ask", run, "--question", "What is warm?"] + options)
    let lines = shown.output.split(separator: "\n")
    #expect(lines.count == 3 && lines.count { $0.hasPrefix("> ") } == 1, "\(shown.output)")
    let words = try CommandRunner.run(
      "disttrain", ["ask", run, "--question", "Hello", "--json", "--max-new-tokens", "5"])
    #expect(words.status == 0, "\(words.errorOutput)")
    #expect(try JSONParser.parse(words.output)["answer"]?.stringValue != nil)
  }

  @Test(arguments: [
    ([], 64, "give the folder of a run"),
    (["/no/such/run", "--question", "x"], 66, "is not the folder of a run"),
    (["--model", "/no/such", "--option", "x"], 64, "--option belongs to a --question"),
    (
      ["--model", "/no/such/model", "--question", "x"], 66,
      "the model folder /no/such/model does not exist"
    ),
  ])
  func `what cannot be asked is refused with its reason`(
    arguments: [String], status: Int32, reason: String
  ) throws {
    let result = try CommandRunner.run("disttrain", ["ask"] + arguments)
    #expect(result.status == status && result.errorOutput.contains(reason), "\(result)")
  }
}
