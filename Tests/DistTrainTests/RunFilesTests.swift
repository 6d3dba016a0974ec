import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct RunFilesTests {
  @Test func `a run leaves what others read, and a second run of it the same bytes`() throws {
    let tiny = try TinyRun()
    for output in ["one", "two"] {
      let result = try CommandRunner.run("disttrain", ["train"] + tiny.settings(output))
      try #require(result.status == 0, "\(result.errorOutput)")
      #expect(result.errorOutput.contains("report     \(tiny.folder)/\(output)/report.html"))
    }
    #expect(try tiny.bytes("one/adapter/README.md") == tiny.bytes("two/adapter/README.md"))
    let card = String(decoding: try tiny.bytes("one/adapter/README.md"), as: UTF8.self)
    #expect(card.hasPrefix("---\nbase_model: "))
    #expect(card.contains("library_name: peft\n") && card.contains("accuracy, Specific"))
    let text = String(decoding: try tiny.bytes("one/trainer_state.json"), as: UTF8.self)
    let state = try JSONParser.parse(text)
    let keys = state.objectValue?.keys ?? []
    #expect(keys == keys.sorted() && keys.contains("total_flos"))
    #expect(state["global_step"]?.intValue == 8 && state["max_steps"]?.intValue == 8)
    #expect(state["log_history"]?.arrayValue?.count == 6, "4 lines of two steps, 2 validations")
    let lines = try tiny.metrics("one")
    let last = try JSONParser.parse(
      String(decoding: try tiny.bytes("one/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
        .last.map(String.init) ?? "")
    #expect(lines.count == 6 && last["current_steps"]?.intValue == 8)
    #expect(last["total_steps"]?.intValue == 8 && last["percentage"]?.doubleValue == 100)
    #expect(last["remaining_time"]?.stringValue == "0:00:00")
  }

  @Test func `a resumed run's event file takes back what comes after its checkpoint`() throws {
    let tiny = try TinyRun()
    let settings = ["save_steps=3", "logging_steps=1", "eval_steps=0"]
    func run(_ more: [String]) throws {
      let result = try CommandRunner.run(
        "disttrain", ["train"] + tiny.settings("run", settings + more))
      try #require(result.status == 0, "\(result.errorOutput)")
    }
    try run(["num_train_epochs=1"])
    try run(["num_train_epochs=2", "resume_from_checkpoint=auto"])
    let folder = tiny.folder + "/run/tensorboard/"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    let firsts = try names.map {
      Array(try tiny.bytes("run/tensorboard/" + $0).dropFirst(40).prefix(31))
    }
    #expect(names.count == 2)
    // Behind the version's record: the frame, wall time, then session_log START, the second time with a step.
    #expect(Array(firsts[0][21..<25]) == [0x3A, 2, 8, 1])
    #expect(Array(firsts[1][21..<27]) == [0x10, 4, 0x3A, 2, 8, 1])
    try run(["num_train_epochs=3", "resume_from_checkpoint=auto", "report_to=none"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
  }

  @Test func `times are added up and what remains follows from the pace`() throws {
    let lines = try (1...3).map {
      try JSONParser.parse(#"{"step": \#($0 * 10), "loss": 1.5, "tokens": 500}"#)
    }
    let text = MetricsLog.text(lines, seconds: [nil, 20, 5000], totalSteps: 40)
    let rows = text.split(separator: "\n").map(String.init)
    #expect(rows[0] == #"{"step": 10, "loss": 1.5, "tokens": 500}"#)
    #expect(
      rows[1]
        == #"{"step": 20, "loss": 1.5, "tokens": 500, "seconds": 20.0, "current_steps": 20, "total_steps": 40, "#
        + #""percentage": 50.0, "elapsed_time": "0:00:20", "remaining_time": "0:00:40", "throughput": 25.0}"#
    )
    #expect(rows[2].contains(#""elapsed_time": "1:23:40", "remaining_time": "0:41:50""#))
    #expect(MetricsLog.clock(2 * 86400 + 3661) == "2 days, 1:01:01")
  }

  @Test(arguments: [
    ("/cache/hub/models--Qwen--Qwen2.5-0.5B/snapshots/abc", "Qwen/Qwen2.5-0.5B"),
    ("models/Qwen3-0.6B/", "Qwen3-0.6B"), ("./tiny", "tiny"),
  ])
  func `the base model is called as hubs call it`(path: String, name: String) {
    #expect(ModelCard.modelName(ofPath: path) == name)
  }
}
