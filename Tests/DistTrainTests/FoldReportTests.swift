import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct FoldReportTests {
  /// A run of three folds of four questions, of which 1, 2 and 4 are right; the last has no report.
  private static func run() throws -> RunFiles {
    let run = try RunFiles("crossed")
    try run.write("folds: 3  # command line\nseed: 42  # default\n", to: "config.yaml")
    let names = (0..<3).map { "fold-\($0)" }
    for (name, right) in zip(names, [1, 2, 4]) {
      try run.write("split: \"fold:0:3\"  # folds\n", to: name + "/config.yaml")
      try run.writeResults(answers(name, right), in: name + "/")
      try run.write(
        #"{"step": 1, "loss": 2.0, "tokens": 10, "seconds": 1.5}"#, to: name + "/metrics.jsonl")
      if name != "fold-2" { try run.write("<html>", to: name + "/report.html") }
    }
    let folds = zip(0..., [1, 2, 4]).map { index, right -> JSONValue in
      .object([
        "correct": .integer(right), "total": .integer(4), "fold": .integer(index),
        "exit_code": .integer(0),
      ])
    }
    let all = zip(names, [1, 2, 4]).flatMap { answers($0, $1) }
    try run.writeResults(
      all, more: ["folds": .array(folds)],
      metrics: [
        "mean_accuracy": .double(58.3333), "population_deviation": .double(31.1805),
        "sample_deviation": .double(38.1881),
      ])
    return run
  }

  private static func answers(_ fold: String, _ right: Int) -> [RunFiles.Answer] {
    (0..<4).map { .init("\(fold) \($0)?", right: 0, picked: $0 < right ? 0 : 1) }
  }

  @Test func `a cross-validated run has a page with its folds, mean, deviations and all answers`()
    throws
  {
    let run = try Self.run()
    let path = try Report.write([run.path], to: run.path)
    let html = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    #expect(html.contains("58.3 ± 31.2 %"))
    #expect(html.contains("sample deviation</th><td></td><td></td><td>38.2 %"))
    #expect(html.contains("on average of 3 folds") && html.contains("all folds 7 of 12, 58.3 %"))
    #expect(html.contains("<a href=\"fold-1/report.html\">fold 1</a>"))
    // No link to what is not there.
    #expect(html.contains("<th scope=\"row\">fold 2</th>"))
    #expect(html.contains("Loss per token"))
    #expect(!html.contains("fold-0 3?"), "wrong answers are the folds' own")
    let markdown = ReportMarkdown([try RunRecord(folder: run.path)]).text
    #expect(markdown.contains("58.3 ± 31.2 %"))
    #expect(markdown.contains("| fold 1 | 50.0 % |") && markdown.contains("| all folds | 58.3 % |"))
  }

  @Test func `links lead from where the page is to the folds`() throws {
    let run = try Self.run()
    let output = try TemporaryFolder()
    let path = try Report.write([run.path], to: output.path)
    let html = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    let folder = URL(filePath: run.path).deletingLastPathComponent().lastPathComponent
    #expect(html.contains("<a href=\"../\(folder)/crossed/fold-0/report.html\">"))
    // Served from elsewhere, it has none.
    #expect(try !Report(folders: [run.path]).page().contains("<a href"))
  }

  @Test func `a cross-validated run that goes on says how many folds are done`() throws {
    let run = try Self.run()
    for name in ["results.json", "fold-2/results.json"] {
      try FileManager.default.removeItem(atPath: run.path + "/" + name)
    }
    let html = try Report(folders: [run.path]).page()
    #expect(html.contains("2 of 3 folds that have begun are done"))
  }

  @Test func `a fold that failed is said`() throws {
    let run = try Self.run()
    let text = String(
      decoding: FileManager.default.contents(atPath: run.path + "/results.json") ?? Data(),
      as: UTF8.self)
    try run.write(
      text.replacing("\"exit_code\": 0", with: "\"exit_code\": 70", maxReplacements: 1),
      to: "results.json")
    let html = try Report(folders: [run.path]).page()
    #expect(html.contains("ended with code 70") && html.contains("Fold 0 ended with code 70"))
  }

  @Test(arguments: [
    (#"{"correct": 1, "total": 2, "folds": [{"total": 2}]}"#, "fold 0 has no correct"),
    (#"{"correct": 1, "total": 2, "folds": []}"#, "no mean_accuracy"),
    (#"{"correct": 1, "total": 2, "folds": [{"correct": 3, "total": 2}]}"#, "3 of 2"),
  ])
  func `damaged folds are an error`(text: String, reason: String) throws {
    let run = try RunFiles()
    try run.write(text, to: "results.json")
    let failure = #expect(throws: CommandFailure.self) { try RunRecord(folder: run.path) }
    #expect(failure?.exitCode == 65)
    #expect(failure?.description.contains(reason) == true, "\(failure?.description ?? "")")
  }

  @Test func `rules that are half right are counted so`() throws {
    let run = try RunFiles()
    try run.write(
      #"{"verdict": "clean", "questions": 4, "rules": [{"rule": "longest", "correct": 2.5, "total": 4}]}"#,
      to: "audit.json")
    let html = try Report(folders: [run.path]).page()
    #expect(html.contains("<td>2.5 of 4</td><td>62.5 %</td>"))
  }

  @Test func `an evaluation makes an existing report again, and no new one`() throws {
    let tiny = try TinyRun()
    let output = tiny.folder + "/run"
    let trained = try CommandRunner.run(
      "disttrain", ["train"] + tiny.settings("run", ["max_steps=1"]))
    try #require(trained.status == 0, "\(trained.errorOutput)")
    try tiny.write("old", to: "run/report.html")
    let evaluated = try CommandRunner.run("disttrain", ["evaluate", output])
    try #require(evaluated.status == 0, "\(evaluated.errorOutput)")
    #expect(try tiny.bytes("run/report.html").count > 1000)
    try FileManager.default.removeItem(atPath: output + "/report.html")
    _ = try CommandRunner.run("disttrain", ["evaluate", output])
    #expect(!FileManager.default.fileExists(atPath: output + "/report.html"))
  }

  @Test func `cross-validation ends with a report of all folds`() throws {
    let tiny = try TinyRun()
    let result = try CommandRunner.run(
      "disttrain",
      ["train"] + tiny.settings("run", ["folds=2", "max_steps=1", "eval_steps=0"]))
    try #require(result.status == 0, "\(result.errorOutput)")
    let html = String(decoding: try tiny.bytes("run/report.html"), as: UTF8.self)
    for fold in 0..<2 { #expect(html.contains("<a href=\"fold-\(fold)/report.html\">")) }
    let environment = try JSONParser.parse(tiny.bytes("run/fold-0/env.json"))
    let trainable = try #require(environment["trainable_parameters"]?.intValue)
    let base = try #require(environment["identity"]?["base_parameters"]?.intValue)
    #expect(environment["parameters"]?.intValue == base + trainable && trainable > 0)
  }
}
