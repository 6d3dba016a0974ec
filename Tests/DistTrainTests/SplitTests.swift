import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct SplitTests {
  private static func indices(_ json: JSONValue, _ key: String) -> [Int] {
    json[key]?.arrayValue?.compactMap(\.intValue) ?? []
  }

  @Test func `the published split is reproduced index by index`() throws {
    let path = GoldenCase.fixtures("published-split.json")
    let json = try GoldenCase.json(path)
    let split = try Split.seed(500)
    #expect(split.heldOut == Self.indices(json, "test_indices"))
    #expect(split.validation == Self.indices(json, "val_indices"))
    #expect(split.train == Self.indices(json, "train_indices"))
    #expect(split.train.count == 400 && split.validation.count == 50 && split.heldOut.count == 50)
    #expect(try Split.file(path, count: 500, train: 0.5, validation: 0.1, seed: 9) == split)
  }

  @Test func `the published split of another data set is refused`() {
    let error = #expect(throws: DatasetError.self) { try Split.seed(499) }
    #expect(error?.description.contains("500 questions, the data set has 499") == true)
  }

  @Test(arguments: [
    (10, 0.8, 0.1), (500, 0.8, 0.1), (7, 0.5, 0.0), (901, 0.75, 0.1), (2, 0.5, 0), (3, 0.34, 0.33),
    (10, 0.7, 0.2), (100_000, 0.8, 0.1),
  ])
  func `parts are disjoint, complete and of the stated sizes`(
    count: Int, train: Double, validation: Double
  ) throws {
    let split = try Split.ratios(count, train: train, validation: validation, seed: 3)
    #expect(split.train.count == Int((Double(count) * train).rounded()))
    #expect((split.train + split.validation + split.heldOut).sorted() == Array(0..<count))
    #expect(try split == Split.ratios(count, train: train, validation: validation, seed: 3))
    if count > 9 {
      #expect(try split != Split.ratios(count, train: train, validation: validation, seed: 4))
    }
  }

  @Test(arguments: [
    (3, 1.0, 0.0), (500, 0.9, 0.1), (500, 0.0, 0.5), (1, 0.8, 0.1), (4, 0.9, 0.05), (3, 0.1, 0.1),
    (10, 0.7, 0.25),
  ])
  func `ratios that leave a part empty are refused`(count: Int, train: Double, validation: Double) {
    let error = #expect(throws: DatasetError.self) {
      try Split.ratios(count, train: train, validation: validation, seed: 1)
    }
    #expect(error?.exitCode == 65)
    #expect(error?.description.contains("change train_ratio, val_ratio and test_ratio") == true)
  }

  @Test func `a split is a function of count and seed alone`() throws {
    let first = try Split.ratios(20, train: 0.5, validation: 0.25, seed: 42)
    for _ in 0..<3 {
      #expect(try Split.ratios(20, train: 0.5, validation: 0.25, seed: 42) == first)
    }
  }
}

struct SplitFileTests {
  private static func read(
    _ json: String, count: Int = 10, train: Double = 0.8, validation: Double = 0.1, seed: UInt64 = 1
  ) throws -> Split {
    let folder = try TemporaryFolder()
    let path = try folder.write(json, to: "test_split.json")
    return try Split.file(path, count: count, train: train, validation: validation, seed: seed)
  }

  @Test func `a written split reads back as itself`() throws {
    let split = try Split.ratios(30, train: 0.6, validation: 0.2, seed: 8)
    let text = split.json(source: "ratio", seed: 8).text()
    #expect(try Self.read(text, count: 30) == split)
    let keys = split.json(source: "ratio", seed: 8).objectValue?.keys ?? []
    for key in ["test_indices", "train_size", "val_size", "test_size"] {
      #expect(keys.contains(key))
    }
  }

  @Test func `the published format leaves the rest to ratio and seed`() throws {
    let json = #"{"test_indices": [3, 1], "train_size": 7, "val_size": 1, "test_size": 2}"#
    let split = try Self.read(json)
    #expect(split.heldOut == [3, 1])
    #expect(split.train.count == 7 && split.validation.count == 1)
    #expect((split.train + split.validation + split.heldOut).sorted() == Array(0..<10))
    #expect(try Self.read(json, seed: 2).train != split.train)
    #expect(try Self.read(json).train == split.train)
  }

  @Test func `validation that is listed keeps the rest for training`() throws {
    let split = try Self.read(#"{"test_indices": [0], "val_indices": [9, 8]}"#, validation: 0.5)
    #expect(split.validation == [9, 8])
    #expect(split.train.sorted() == [1, 2, 3, 4, 5, 6, 7])
  }

  @Test func `listed parts need not cover the data set`() throws {
    let split = try Self.read(#"{"test_indices": [0], "train_indices": [5, 4]}"#)
    #expect(split == Split(train: [5, 4], validation: [], heldOut: [0]))
  }

  @Test(arguments: [
    ("[1, 2]", "is an array; expected an object with test_indices"),
    ("{\"test_indices\": [1]", "not valid JSON: line 1"),
    ("{}", "test_indices is missing"),
    ("{\"test_indices\": null}", "test_indices is missing"),
    ("{\"test_indices\": []}", "test_indices is empty"),
    ("{\"test_indices\": 4}", "test_indices is a number; expected a list"),
    ("{\"test_indices\": [1.5]}", "test_indices holds 1.5; expected whole numbers"),
    ("{\"test_indices\": [\"1\"]}", "test_indices holds a string; expected whole numbers"),
    ("{\"test_indices\": [10]}", "test_indices holds 10; the data set has the questions 0 to 9"),
    ("{\"test_indices\": [-1]}", "test_indices holds -1; the data set has the questions 0 to 9"),
    ("{\"test_indices\": [1, 2, 1]}", "test_indices holds 1 twice"),
    (
      "{\"test_indices\": [1], \"train_indices\": [2, 1]}",
      "question 1 is in test_indices and in train_indices"
    ),
    (
      "{\"test_indices\": [1], \"val_indices\": [1]}",
      "question 1 is in test_indices and in val_indices"
    ),
    (
      "{\"test_indices\": [1], \"val_indices\": [2], \"train_indices\": [3, 2]}",
      "question 2 is in val_indices and in train_indices"
    ),
    ("{\"test_indices\": [1], \"train_indices\": []}", "train_indices is empty"),
    (
      "{\"test_indices\": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}", "of 10 questions 0 are left"
    ),
    (
      "{\"test_indices\": [0], \"val_indices\": [1, 2, 3, 4, 5, 6, 7, 8, 9]}", "none to train on"
    ),
    ("{\"test_indices\": [0], \"test_size\": 2}", "test_size is 2, but its list has 1 indices"),
    (
      "{\"test_indices\": [0], \"train_size\": 400, \"val_size\": 50, \"test_size\": 1}",
      "its sizes add up to 451, but the data set has 10 questions"
    ),
  ])
  func `a wrong split file is refused with its reason`(json: String, reason: String) {
    let error = #expect(throws: DatasetError.self) { try Self.read(json) }
    #expect(error?.exitCode == 65)
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    #expect(error?.description.contains("test_split.json") == true)
  }

  @Test func `ratios that leave nothing to train on are refused with a file too`() {
    let error = #expect(throws: DatasetError.self) {
      try Self.read(#"{"test_indices": [0]}"#, train: 0, validation: 1)
    }
    #expect(error?.description.contains("none to train on") == true)
  }

  @Test func `a missing file says what split accepts`() {
    let error = #expect(throws: DatasetError.self) {
      try Split.file("ratios", count: 10, train: 0.8, validation: 0.1, seed: 1)
    }
    #expect(error?.exitCode == 66)
    #expect(
      error?.description
        == "split: ratios does not exist; split is ratio, seed or the path of a test_split.json")
  }
}
