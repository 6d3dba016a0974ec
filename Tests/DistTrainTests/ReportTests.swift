import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct ReportTests {
  private static let hostile =
    #"</article><script>alert("1")</script> & 'q' | <img src=x onerror=y> `a` \u{0}"#

  private static func page(_ runs: RunFiles...) throws -> String {
    try Report(folders: runs.map(\.path)).page()
  }

  /// The tags that are open where `html` ends, or the first one that closes another than the last opened.
  private static func unbalanced(_ html: String) -> [String] {
    let single: Set = ["meta", "path", "!DOCTYPE"]
    var open: [String] = []
    for match in html.matches(of: /<(\/?)([A-Za-z!][A-Za-z0-9]*)([^<>]*)>/) {
      let name = String(match.2)
      guard !single.contains(name), !match.3.hasSuffix("/") else { continue }
      if match.1.isEmpty {
        open.append(name)
      } else if open.popLast() != name {
        return ["</\(name)>"] + open
      }
    }
    return open.filter { $0 != "path" }
  }

  @Test func `texts of the world stay texts`() throws {
    let run = try RunFiles()
    var answer = RunFiles.Answer(Self.hostile, right: 0, picked: 1)
    answer.options = [Self.hostile, Self.hostile + "2", "<b>"]
    answer.types = [Self.hostile]
    try run.writeResults([answer])
    try run.write(
      JSONValue.object([
        "verdict": .string("leak"), "warnings": .array([.string(Self.hostile)]),
        "rules": .array([
          .object([
            "rule": .string(Self.hostile), "explanation": .string(Self.hostile),
            "beats_chance": .bool(true),
          ])
        ]),
      ]).text(), to: "audit.json")
    try run.write(JSONValue.object(["cpu": .string(Self.hostile)]).text(), to: "env.json")
    let html = try Self.page(run)
    #expect(!html.contains("<script") && !html.contains("<img") && !html.contains("<b>\n"))
    #expect(!html.contains("\u{0}"))
    #expect(html.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;q&#39;"))
    #expect(Self.unbalanced(html).isEmpty, "\(Self.unbalanced(html))")
    let markdown = ReportMarkdown([try RunRecord(folder: run.path)]).text
    #expect(!markdown.contains("<script") && !markdown.contains("| <img"))
    #expect(markdown.contains(#"&lt;script&gt;alert\("1"\)"#))
  }

  @Test func `the page needs nothing but itself`() throws {
    let run = try RunFiles()
    try run.writeLog(steps: 40)
    try run.writeResults([.init("What?", right: 0, picked: 1), .init("Who?")])
    let html = try Self.page(run)
    for word in ["http://", "https://", "<script", "@import", "url(", "src=", "<link"] {
      #expect(!html.contains(word), "\(word)")
    }
    #expect(Self.unbalanced(html).isEmpty, "\(Self.unbalanced(html))")
    #expect(html.contains("prefers-color-scheme:dark"))
    #expect(!html.contains("http-equiv"))
    #expect(try Report(folders: [run.path]).page(refreshSeconds: 5).contains("content=\"5\""))
  }

  @Test func `a run without results gives the parts that there are`() throws {
    let run = try RunFiles()
    #expect(try Self.page(run).contains("No results yet: no step has been logged"))
    try run.writeLog(steps: 20)
    let html = try Self.page(run)
    #expect(html.contains("No results yet: step 20 of 20"))
    #expect(html.contains("Loss per token") && !html.contains("Accuracy by type"))
  }

  @Test func `every wrong answer is shown with what was picked and what is right`() throws {
    let run = try RunFiles()
    let wrong = (0..<30).map { RunFiles.Answer("Wrong \($0)?", right: 2, picked: $0 % 2) }
    var silent = RunFiles.Answer("Silent?", right: 1, picked: nil)
    silent.types = []
    try run.writeResults(wrong + [silent, .init("Well answered?")])
    let html = try Self.page(run)
    for answer in wrong { #expect(html.contains("<bdi>\(answer.question)</bdi>")) }
    #expect(html.contains("<bdi>Silent?</bdi>") && !html.contains("Well answered?"))
    #expect(html.matches(of: />right<\/b>/).count == 31)
    #expect(html.matches(of: />picked<\/b>/).count == 30)
    // softmax of -0.5, -1.5, -2.5
    #expect(html.contains("66.5 %") && html.contains("24.5 %") && html.contains("9.0 %"))
  }

  @Test func `a leak is said before anything else, and no leak quietly`() throws {
    let run = try RunFiles()
    try run.writeResults([.init("What?")])
    let rule: JSONValue = .object([
      "rule": .string("always A"), "correct": .integer(500), "total": .integer(500),
      "accuracy": .double(100), "chance": .double(20), "p_value": .double(0),
      "beats_chance": .bool(true), "explanation": .string("it stands first"),
    ])
    func audit(_ verdict: String) throws {
      try run.write(
        JSONValue.object(["verdict": .string(verdict), "rules": .array([rule])]).text(),
        to: "audit.json")
    }
    try audit("leak")
    let leak = try Self.page(run)
    #expect(leak.contains("<h3>The answers leak</h3>") && leak.contains("&lt; 1e-300"))
    #expect(leak.contains("class=\"verdict doubtful\""))
    try audit("clean")
    let clean = try Self.page(run)
    #expect(!clean.contains("The answers leak") && clean.contains("<b>clean</b>"))
  }

  @Test func `few questions are said to be too few`() throws {
    let run = try RunFiles()
    try run.writeResults((0..<19).map { .init("\($0)?") })
    #expect(try Self.page(run).contains("too few to say anything"))
    try run.writeResults((0..<20).map { .init("\($0)?") })
    #expect(try !Self.page(run).contains("too few to say anything"))
  }

  @Test(arguments: [
    ("metrics.jsonl", "{\"step\": 1}\n{\"step\": ", "line 2"), ("metrics.jsonl", "[1]\n", "line 1"),
    ("metrics.jsonl", "{\"loss\": 1}\n", "no step"), ("results.json", "{", "results.json"),
    ("results.json", "[]", "an array"), ("results.json", "{\"metrics\": {}}", "correct and total"),
    ("results.json", "{\"metrics\": {\"correct\": 3, \"total\": 2}}", "3 of 2"),
    (
      "results.json",
      "{\"correct\": 1, \"total\": 2, \"predictions\": [{\"question\": \"a\", \"correct_idx\": 4}]}",
      "prediction 1"
    ), ("env.json", "nonsense", "env.json"), ("audit.json", "\"x\"", "audit.json"),
    ("config.yaml", "a: [", "config.yaml"), ("trainer_state.json", "", "trainer_state.json"),
  ])
  func `a damaged file is an error that names it`(file: String, text: String, word: String) throws {
    let run = try RunFiles()
    try run.write(text, to: file)
    let failure = #expect(throws: CommandFailure.self) { try RunRecord(folder: run.path) }
    #expect(failure?.exitCode == 65)
    #expect(failure?.description.contains(word) == true, "\(failure?.description ?? "")")
    #expect(failure?.description.contains(run.path) == true)
  }

  @Test(arguments: [
    "1e308", "-1e308", "1e-320", "9223372036854775807", "-9223372036854775807", "0",
  ])
  func `a page is made of any numbers`(number: String) throws {
    let run = try RunFiles()
    func line(_ step: String) -> String {
      #"{"step": \#(step), "epoch": \#(number), "loss": \#(number), "grad_norm": \#(number), "learning_rate": "#
        + #"\#(number), "tokens": \#(number), "seconds": \#(number), "eval_loss": \#(number), "total_steps": \#(number)}"#
    }
    let steps = ["0", "9223372036854775807", "1", "9223372036854775807", "5"]
    try run.write(steps.map(line).joined(separator: "\n"), to: "metrics.jsonl")
    let bin =
      #"{"low": 0, "high": 1, "count": 3, "confidence": \#(number), "accuracy": \#(number)}"#
    let answer =
      #"{"question": "a", "choices": ["b", "c"], "correct_idx": 0, "predicted_idx": 1, "probabilities": "#
      + #"[\#(number), \#(number)], "scores": [\#(number), 1]}"#
    for answers in [answer, ""] {
      try run.write(
        #"{"metrics": {"correct": 1, "total": 9223372036854775807, "chance_accuracy": \#(number), "calibration": "#
          + #"{"bins": [\#(bin)]}}, "predictions": [\#(answers)]}"#, to: "results.json")
      let html = try Self.page(run)
      #expect(Self.unbalanced(html).isEmpty)
      _ = ReportMarkdown([try RunRecord(folder: run.path)]).text
      _ = try RunProgress(folder: run.path).text(now: Date())
    }
    try FileManager.default.removeItem(atPath: run.path + "/results.json")
    #expect(try RunProgress(folder: run.path).text(now: Date()).contains("step 5"))
  }

  @Test func `a folder of something else is refused`() throws {
    let folder = try TemporaryFolder()
    for path in [folder.path, folder.path + "/none"] {
      let failure = #expect(throws: CommandFailure.self) { try RunRecord(folder: path) }
      #expect(failure?.exitCode == 66)
    }
  }

  @Test func `runs are compared on the questions that both have answered`() throws {
    let (first, second) = (try RunFiles("first"), try RunFiles("second"))
    try first.writeResults(
      (0..<9).map { .init("\($0)?", right: 0, picked: 0) } + [.init("only here?")])
    try second.writeResults(
      (0..<9).map { .init("\($0)?", right: 0, picked: $0 < 8 ? 1 : 0) })
    let runs = [try RunRecord(folder: first.path), try RunRecord(folder: second.path)]
    let pair = try #require(RunComparison(runs[0], runs[1]))
    #expect(pair.common == 9 && pair.test == McNemar(onlyFirst: 8, onlySecond: 0))
    #expect(pair.caveat == "the questions differ: 9 in common of 10 and 9")
    let html = try Self.page(first, second)
    #expect(html.contains("0.008") && html.contains("the questions differ"))
    #expect(Self.unbalanced(html).isEmpty, "\(Self.unbalanced(html))")
    try second.writeResults([.init("other?")])
    let other = try RunRecord(folder: second.path)
    #expect(RunComparison(runs[0], other)?.caveat == "no question in common: not comparable")
    #expect(RunComparison(runs[0], other)?.pText == "–")
  }

  @Test func `runs of one name are told apart by their paths`() throws {
    let (first, second) = (try RunFiles("run"), try RunFiles("run"))
    #expect(
      try Report(folders: [first.path, second.path]).runs.map(\.name) == [first.path, second.path])
  }

  @Test func `both files are written, beside the run or elsewhere`() throws {
    let run = try RunFiles()
    try run.writeLog(steps: 3)
    let output = try TemporaryFolder()
    for (more, folder) in [
      ([], run.path), (["--output", output.path + "/new"], output.path + "/new"),
    ] {
      let result = try CommandRunner.run("disttrain", ["report", run.path] + more)
      #expect(result.status == 0, "\(result.errorOutput)")
      #expect(result.output == "\(folder)/report.html\n\(folder)/report.md\n")
      let text = String(
        decoding: FileManager.default.contents(atPath: folder + "/report.md") ?? Data(),
        as: UTF8.self)
      #expect(text.contains("| 3 | 2.0000 |  | 0.500 | 0.001 | 100 |"), "\(text)")
      #expect(FileManager.default.fileExists(atPath: folder + "/report.html"))
    }
  }
}
