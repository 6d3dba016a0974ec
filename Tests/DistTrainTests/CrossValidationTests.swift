import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct FoldTests {
  private static func split(_ fold: String, _ more: [String] = []) throws -> Split {
    let tiny = try TinyRun()
    let settings = ["split=\(fold)", "train_ratio=0.7", "val_ratio=0.1", "test_ratio=0.2"]
    return try QuestionSamples.inputs(tiny, settings + more).split
  }

  @Test(arguments: [2, 5, 7, 24]) func `every question is held out in one fold`(count: Int) throws {
    let splits = try (0..<count).map { try Self.split("fold:\($0):\(count)") }
    #expect(splits.flatMap(\.heldOut).sorted() == Array(0..<24))
    for split in splits {
      #expect((split.train + split.validation + split.heldOut).sorted() == Array(0..<24))
      #expect([24 / count, (24 + count - 1) / count].contains(split.heldOut.count))
      #expect(split.validation.count == Int((Double(24 - split.heldOut.count) / 8).rounded()))
    }
  }

  @Test func `a file's folds are taken as they are, and validation is cut where it has none`()
    throws
  {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      "[[[0,1,2,3,4,5,6,7],[],[8,9]], [[8,9,3],[4,5],[0,1,2]]]", to: "folds.json")
    let first = try Self.split("fold:0:\(path)")
    #expect(first.heldOut == [8, 9] && first.validation.count == 1)
    #expect((first.train + first.validation).sorted() == Array(0..<8))
    let second = try Self.split("fold:1:\(path)")
    #expect(second == Split(train: [8, 9, 3], validation: [4, 5], heldOut: [0, 1, 2]))
  }

  @Test(arguments: [
    ("fold:5:5", "there is no fold 5 of 5"), ("fold:x:5", "expected fold:K:FOLDS"),
    ("fold:0:1", "too few"), ("fold:0:/no/file", "cannot read the folds"), ("fold:0", "expected"),
  ])
  func `a fold that is not there is refused`(fold: String, reason: String) throws {
    let error = #expect(throws: DatasetError.self) { try Self.split(fold) }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test(arguments: [
    ("[[[0],[],[24]]]", "names question 24"), ("[[[0],[0],[1]]]", "names a question twice"),
    ("[[[0],[1]]]", "is not three lists"), ("[]", "has no folds"), ("{}", "has no folds"),
    ("[[[],[],[1]]]", "nothing to train on"), ("[[[0.5],[],[1]]]", "is not three lists"),
    ("[", "not valid JSON"),
  ])
  func `a damaged file of folds is refused`(text: String, reason: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(text, to: "folds.json")
    let error = #expect(throws: DatasetError.self) { try Self.split("fold:0:\(path)") }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func `mean and deviations are NumPy's`() throws {
    func outcome(_ index: Int, _ right: Int, of count: Int) -> FoldOutcome {
      let predictions = (0..<count).map { position -> JSONValue in
        .object(["is_correct": .bool(position < right), "query_types": .array([])])
      }
      return FoldOutcome(index: index, predictions: .array(predictions))
    }
    // np.mean, np.std and np.std(ddof=1) of [0.4, 0.5, 0.7, 0.2]
    let scores = FoldScores(
      [
        outcome(0, 4, of: 10), outcome(1, 5, of: 10), outcome(2, 7, of: 10), outcome(3, 2, of: 10),
        FoldOutcome(index: 4, failure: 70),
      ], typeNames: ["Specific"])
    #expect(abs(scores.mean - 0.45) < 1e-12)
    #expect(abs(scores.populationDeviation - 0.1802775637731995) < 1e-12)
    #expect(abs(scores.sampleDeviation - 0.20816659994661327) < 1e-12)
    #expect(scores.pooled.correct == 18 && scores.pooled.total == 40)
    #expect(scores.summary.contains("fold 4          failed with code 70"))
    #expect(scores.predictionLines.split(separator: "\n").count == 40)
  }
}

@Suite(.serialized, .enabled(if: CommandRunner.hasMPI, "mpirun is not installed"))
struct CrossValidationTests {
  private static let settings = ["folds=3", "num_train_epochs=1", "eval_steps=0"]

  private static func train(
    _ tiny: TinyRun, _ output: String, _ more: [String] = [], ranks: Int?
  ) throws -> CommandResult {
    try CommandRunner.run(
      "disttrain", ["train"] + tiny.settings(output, settings + more), ranks: ranks)
  }

  @Test func `any number of ranks gives the same folds, one after the other or side by side`()
    throws
  {
    let tiny = try TinyRun()
    let alone = try Self.train(tiny, "alone", ranks: nil)
    try #require(alone.status == 0, "\(alone.errorOutput)")
    #expect(alone.output.contains("over 3 folds, deviation"))
    for ranks in [2, 3, 5] {
      let result = try Self.train(tiny, "ranks\(ranks)", ranks: ranks)
      try #require(result.status == 0, "\(result.errorOutput)")
      #expect(result.output.split(separator: "\n").last == alone.output.split(separator: "\n").last)
      for file in ["results.json", "predictions.jsonl"]
        + (0..<3).map({ "fold-\($0)/adapter/adapter_model.safetensors" })
      {
        #expect(try tiny.bytes("ranks\(ranks)/\(file)") == tiny.bytes("alone/\(file)"))
      }
    }
  }

  @Test func `a fold that fails loses no other, and is done again`() throws {
    let tiny = try TinyRun()
    let whole = try Self.train(tiny, "whole", ranks: 2)
    try #require(whole.status == 0, "\(whole.errorOutput)")
    // A file where the fold's folder should be.
    try FileManager.default.createDirectory(
      atPath: tiny.folder + "/broken", withIntermediateDirectories: true)
    try tiny.write("", to: "broken/fold-1")
    let broken = try Self.train(tiny, "broken", ranks: 2)
    #expect(broken.status == 73, "\(broken.errorOutput)")
    #expect(broken.output.contains("fold 1          failed with code 73"))
    let adapter = "adapter/adapter_model.safetensors"
    #expect(try tiny.bytes("broken/fold-2/\(adapter)") == tiny.bytes("whole/fold-2/\(adapter)"))
    try FileManager.default.removeItem(atPath: tiny.folder + "/broken/fold-1")
    let again = try Self.train(tiny, "broken", ["resume_from_checkpoint=auto"], ranks: 1)
    #expect(again.status == 0, "\(again.errorOutput)")
    #expect(again.errorOutput.contains("done       \(tiny.folder)/broken/fold-0"))
    #expect(try tiny.bytes("broken/results.json") == tiny.bytes("whole/results.json"))
  }
}
