import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct CompareTests {
  /// A run on `count` questions, the first `right` of which are answered.
  private static func run(
    _ name: String, right: Int, of count: Int = 40, model: String = "models/tiny",
    question: String = "question"
  ) throws -> RunFiles {
    let run = try RunFiles(name)
    try run.write("model_name_or_path: \(model)  # command line\n", to: "config.yaml")
    try run.writeResults(
      (0..<count).map { .init("\(question) \($0)?", right: 0, picked: $0 < right ? 0 : 1) })
    return run
  }

  private static let environment = #"""
    {"cpu": "Some CPU", "ranks": 2, "threads_per_rank": 1, "hosts": ["a", "a"],
     "parameters": 7655986688, "trainable_parameters": 40370176,
     "identity": {"base_parameters": 7615616512, "dataset_sha256": "0"}}
    """#

  private static func table(_ runs: [RunFiles], baselines: String? = nil) throws -> RunTable {
    try RunTable(folders: runs.map(\.path), baselines: baselines)
  }

  /// baselines.json of one baseline that answers the first `right` of `count` questions.
  private static func baselines(right: Int, of count: Int, first: Int = 0) -> String {
    let questions = (0..<count).map {
      #"{"index": \#($0), "fold": null, "question": "question \#($0)?", "choices": ["rice", "bread", "soup"], "#
        + #""correct_idx": \#(first), "query_types": []}"#
    }
    let picks = (0..<count).map { "\($0 < right ? first : (first + 1) % 3)" }
    return
      #"{"dataset_sha256": "0", "questions": [\#(questions.joined(separator: ","))], "baselines": [{"#
      + #""baseline": "bm25", "title": "BM25", "metrics": {"correct": \#(right), "total": \#(count)}, "#
      + #""picks": [\#(picks.joined(separator: ","))]}]}"#
  }

  @Test func `rows are compared with the best run on the same questions`() throws {
    let runs = [
      try Self.run("good", right: 30), try Self.run("poor", right: 20),
      try Self.run("apart", right: 40, question: "other"),
    ]
    let folder = try TemporaryFolder()
    let file = try folder.write(Self.baselines(right: 10, of: 40), to: "baselines.json")
    let table = try Self.table(runs, baselines: file)
    #expect(table.runs[0].standing == .best && table.runs[2].standing == .otherQuestions)
    // Ten questions only the better has right: 2 / 2^10. Twenty: 2 / 2^20.
    #expect(table.runs[1].standing == .against("good", p: 2 / 1024))
    #expect(table.baselines[0].standing == .against("good", p: 2 / 1_048_576))
    #expect(table.text.contains("against the best run on the same"))
  }

  @Test func `a run whose answers leak is not what others are measured by`() throws {
    let leaking = try Self.run("leaking", right: 40)
    try leaking.write(#"{"verdict": "leak", "rules": []}"#, to: "audit.json")
    let table = try Self.table([leaking, try Self.run("honest", right: 20)])
    #expect(table.runs[1].standing == .best)
    #expect(table.runs[0].standing == .against("honest", p: 2 / 1_048_576))
    #expect(table.notes.contains { $0.hasPrefix("leaking: the audit") })
    #expect(table.page.contains("the answers leak"))
  }

  @Test func `a row says what the files say`() throws {
    let run = try Self.run("first", right: 30, model: "Qwen/Qwen2.5-7B-Instruct")
    try run.write(Self.environment, to: "env.json")
    try run.writeLog(steps: 31)
    let table = try Self.table([run])
    let row = table.runs[0].entry
    #expect(row.trainingSeconds == 62 && row.parameters == 7_655_986_688)
    #expect(table.runs[0].standing == .alone)
    for text in [table.text, table.markdown, table.page] {
      for word in [
        "first", "Qwen2.5-7B-Instruct", "7.66B", "40.4M trainable", "40 held out", "75.0 %",
        "0:01:02",
        "Some CPU, 2 ranks × 1 thread",
      ] { #expect(text.contains(word), "\(word) in \(text)") }
    }
    #expect(table.hasOtherData)
  }

  @Test func `what the files do not say is left open`() throws {
    let run = try Self.run("first", right: 30)
    // The times of what an earlier part of a resumed run has done may be lost.
    try run.write(
      #"{"step": 1, "loss": 2.0}"# + "\n" + #"{"step": 2, "loss": 1.0, "seconds": 3.0}"#,
      to: "metrics.jsonl")
    let table = try Self.table([run])
    let row = table.runs[0].entry
    #expect(row.parameters == nil && row.trainable == nil && row.hardware == nil)
    #expect(row.trainingSeconds == nil && !table.hasOtherData)
    #expect(table.markdown.contains("| – | 40 held out, by letter, options shuffled | – | – |"))
    try FileManager.default.removeItem(atPath: run.path + "/results.json")
    #expect(try Self.table([run]).text.contains("no results yet"))
  }

  @Test func `published figures are marked, and why they mean nothing`() throws {
    let run = try Self.run("mine", right: 30, model: "/models/bert-large-uncased/")
    let table = try Self.table([run])
    #expect(table.published.map(\.here) == [[], [], ["mine"], [], []])
    #expect(table.page.contains("run here<small>mine</small>"))
    for text in [table.text, table.markdown] { #expect(text.contains("run here: mine")) }
    for text in [table.text, table.markdown, table.page] {
      #expect(text.contains("not run here"))
      #expect(text.contains("published") && text.contains("always A"))
    }
    let qwen = PublishedResult.all[0], roberta = PublishedResult.all[3]
    #expect(qwen.names("Qwen/Qwen2.5-7B-Instruct") && !qwen.names("Qwen/Qwen2.5-0.5B"))
    #expect(roberta.names("roberta_base") && !roberta.names("distilroberta-base"))
  }

  @Test func `a right option that is always first in the file is said`() throws {
    let folder = try TemporaryFolder()
    for (first, isSaid) in [(0, true), (1, false)] {
      let file = try folder.write(
        Self.baselines(right: 10, of: 40, first: first), to: "baselines.json")
      let table = try Self.table([try Self.run("a", right: 1)], baselines: file)
      #expect(table.notes.contains { $0.contains("first in the file too, in 40 of 40") } == isSaid)
    }
  }

  @Test func `baselines beside a run are taken by themselves`() throws {
    let run = try Self.run("first", right: 30)
    #expect(try Self.table([run]).baselines.isEmpty)
    try run.write(Self.baselines(right: 10, of: 40), to: "baselines.json")
    let table = try Self.table([run])
    #expect(table.baselines.map(\.standing) == [.against("first", p: 2 / 1_048_576)])
    #expect(table.runs[0].standing == .best)
  }

  @Test(arguments: [
    ("{", 65), (#"{"questions": []}"#, 65),
    (#"{"questions": [{}], "baselines": [{"picks": []}]}"#, 65),
    ("", 66),
  ])
  func `damaged or missing baselines are an error`(text: String, code: Int) throws {
    let folder = try TemporaryFolder()
    if !text.isEmpty { try folder.write(text, to: "baselines.json") }
    let path = folder.path + "/baselines.json"
    let failure = #expect(throws: CommandFailure.self) { try BaselineFile(path: path) }
    #expect(failure.map { Int($0.exitCode) } == code && failure?.description.contains(path) == true)
  }

  @Test func `names stay text, and lines fit a terminal`() throws {
    let name = "<script>alert(1)</script>|a name that is far too long for its column"
    let run = try RunFiles("run")
    try run.write("model_name_or_path: \"m/\(name)\"  # command line\n", to: "config.yaml")
    try run.write(Self.environment, to: "env.json")
    try run.writeResults([.init("What?"), .init("Who?", picked: 1)])
    let file = run.path + "/baselines.json"
    try run.write(
      Self.baselines(right: 1, of: 2).replacing("BM25", with: name), to: "baselines.json")
    let table = try Self.table([run], baselines: file)
    #expect(!table.page.contains("<script") && !table.markdown.contains("<script"))
    #expect(table.markdown.contains("\\|a name"))
    for line in table.text.split(separator: "\n") where !line.contains(name) {
      #expect(line.count <= 80, "\(line)")
    }
    for word in ["http://", "https://", "src=", "url("] { #expect(!table.page.contains(word)) }
  }

  @Test func `the command prints the table and writes it as Markdown and as a page`() throws {
    let folder = try TemporaryFolder()
    let settings = [
      "train_ratio=0.5", "val_ratio=0", "test_ratio=0.5", "output_dir=\(folder.path)/simple",
      "dataset_path=\(try folder.write(TinyRun.questions(20).text(), to: "questions.json"))",
    ]
    let baselines = try CommandRunner.run("disttrain", ["baselines"] + settings)
    try #require(baselines.status == 0, "\(baselines.errorOutput)")
    let run = try Self.run("first", right: 30)
    let output = folder.path + "/table"
    let result = try CommandRunner.run(
      "disttrain",
      [
        "compare", run.path, "--baselines", folder.path + "/simple/baselines.json", "--output",
        output,
      ])
    try #require(result.status == 0, "\(result.errorOutput)")
    for word in ["TF-IDF", "other questions", "not run here"] {
      #expect(result.output.contains(word), "\(result.output)")
    }
    for file in ["compare.md", "compare.html"] {
      let bytes = try Data(contentsOf: URL(filePath: "\(output)/\(file)"))
      #expect(String(decoding: bytes, as: UTF8.self).contains("TF-IDF"))
    }
  }
}
