import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct WordRankingTests {
  private static func options(_ texts: [String]) -> [Question.Option] {
    texts.enumerated().map { .init(identifier: "\($0)", text: $1) }
  }

  /// Two of six documents are the same but for the case, so the corpus has five.
  private static let ranking = WordRanking(
    Question(
      index: 0, query: "Is lentils soup warm, or a soup with basil and saffron?", types: [],
      options: options([
        "Warm lentils salad", "tomato soup with basil", "A cold beet soup with basil and mint",
      ]), answerIndex: 0, explanation: .null),
    known: OptionCorpus(
      options(["Tomato soup with basil", "Soup of lentils, and lentils", "Basil pesto pasta"])))

  private static func areClose(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-12 }
  }

  /// The formula in Python.
  @Test func `BM25 is that of the formula`() {
    let expected = [2.6369864696491656, 2.6329517102573963, 3.6504339864052056]
    #expect(Self.areClose(Self.ranking.bm25, expected), "\(Self.ranking.bm25)")
  }

  /// TfidfVectorizer(token_pattern=r"[^\W_]+") of scikit-learn 1.9.1, fitted on the five documents.
  @Test func `the cosine of TF-IDF is scikit-learn's`() {
    let expected = [0.407375822533672, 0.5024968544836179, 0.5885624540021415]
    #expect(Self.areClose(Self.ranking.tfIdfCosine, expected), "\(Self.ranking.tfIdfCosine)")
  }

  @Test func `texts without a word in common or without any are worth nothing`() {
    let question = Question(
      index: 0, query: "...", types: [], options: Self.options(["!", "?", "bread"]),
      answerIndex: 0, explanation: .null)
    let ranking = WordRanking(question, known: OptionCorpus())
    #expect(ranking.bm25 == [0, 0, 0] && ranking.tfIdfCosine == [0, 0, 0])
  }
}

struct BaselineTests {
  private static func named(
    _ name: String, train: [Question], order: OptionOrder = .shuffled
  ) throws -> Baseline {
    try #require(Baseline.all(train: train, order: order, seed: 7).first { $0.name == name })
  }

  private static func question(_ index: Int, _ query: String, _ options: [String]) -> Question {
    Question(
      index: index, query: query, types: [],
      options: options.map { .init(identifier: $0, text: $0) }, answerIndex: 0, explanation: .null)
  }

  @Test func `of equal options any may be picked, by seed and question alone`() throws {
    let questions = (0..<1000).map { QuestionSamples.question($0) }
    let random = try Self.named("random", train: questions)
    let answers = questions.map { random.answer($0, seed: 7) }
    #expect(answers.allSatisfy { $0.candidates == 5 && $0.expected == 0.2 })
    // Five standard deviations of a binomial distribution.
    for option in 0..<5 { #expect(abs(answers.count { $0.pick == option } - 200) < 63) }
    #expect(answers == questions.map { random.answer($0, seed: 7) })
    #expect(answers != questions.map { random.answer($0, seed: 8) })
    // Where the file's order gives the answer away, ties must not take the first.
    let fixed = try Self.named("random", train: questions, order: .dataset)
    #expect(answers == questions.map { fixed.answer($0, seed: 7) })
    let shuffled = questions.map { OptionOrder.shuffled.order(of: $0, seed: 7, epoch: nil)[0] }
    #expect(answers.map(\.pick) != shuffled)
  }

  @Test func `a tie is between the best alone`() throws {
    let longest = try Self.named("longest_option", train: [QuestionSamples.question()])
    let answers = (0..<100).map {
      longest.answer(Self.question($0, "What?", ["long one", "b", "long two"]), seed: 7)
    }
    #expect(answers.allSatisfy { $0.candidates == 2 && $0.expected == 0.5 && $0.pick != 1 })
    #expect(Set(answers.map(\.pick)) == [0, 2])
    #expect(answers.contains { $0.isCorrect } && answers.contains { !$0.isCorrect })
  }

  @Test func `rules pick what they say`() throws {
    let question = Self.question(
      3, "A hot soup of beans", ["bread", "hot bean", "a soup of beans"])
    for (name, pick) in [
      ("longest_option", 2), ("shortest_option", 0), ("word_overlap", 2), ("bm25", 2),
      ("tf_idf", 2),
    ] {
      let baseline = try Self.named(name, train: [QuestionSamples.question()])
      #expect(baseline.answer(question, seed: 7).pick == pick, "\(name)")
    }
  }

  @Test func `the constant answer is the letter that is right most often in training`() throws {
    func questions(_ range: Range<Int>, answer: Int) -> [Question] {
      range.map { QuestionSamples.question($0, answer: answer) }
    }
    let train = questions(0..<4, answer: 1) + questions(4..<10, answer: 3)
    let constant = try Self.named("constant", train: train, order: .dataset)
    #expect(constant.constantLetter == "D")
    let others = questions(20..<24, answer: 0)
    #expect(others.allSatisfy { constant.answer($0, seed: 7).pick == 3 })
    // Without a fourth option it says nothing.
    let short = QuestionSamples.question(30, options: 3)
    #expect(constant.answer(short, seed: 7).candidates == 3)
  }
}

struct BaselineRunTests {
  /// The settings of a run without a model.
  private static func run(_ folder: TemporaryFolder, _ more: [String]) throws -> CommandResult {
    try folder.write(TinyRun.questions(30).text(), to: "questions.json")
    return try CommandRunner.run(
      "disttrain",
      ["baselines", "dataset_path=\(folder.path)/questions.json", "output_dir=\(folder.path)/out"]
        + more)
  }

  private static func json(_ folder: TemporaryFolder) throws -> JSONValue {
    try JSONParser.parse(
      Array(try Data(contentsOf: URL(filePath: folder.path + "/out/baselines.json"))))
  }

  @Test func `held-out questions are scored without a model`() throws {
    let folder = try TemporaryFolder()
    let result = try Self.run(folder, ["train_ratio=0.5", "val_ratio=0", "test_ratio=0.5"])
    try #require(result.status == 0, "\(result.errorOutput)")
    for line in result.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    #expect(result.output.contains("15 held-out questions, 15 trained on"))
    let json = try Self.json(folder)
    #expect(json["questions"]?.arrayValue?.count == 15)
    let names = (json["baselines"]?.arrayValue ?? []).compactMap { $0["baseline"]?.stringValue }
    #expect(
      names == [
        "random", "constant", "longest_option", "shortest_option", "word_overlap", "bm25", "tf_idf",
      ])
    for baseline in json["baselines"]?.arrayValue ?? [] {
      let picks = baseline["picks"]?.arrayValue?.compactMap(\.intValue) ?? []
      let right = picks.count { $0 == 0 }
      #expect(picks.count == 15 && baseline["metrics"]?["correct"]?.intValue == right)
    }
    let random = json["baselines"]?.arrayValue?.first
    #expect(abs((random?["metrics"]?["expected_accuracy"]?.doubleValue ?? 0) - 20) < 1e-9)
    #expect(
      try Self.run(folder, ["train_ratio=0.5", "val_ratio=0", "test_ratio=0.5"]).output
        == result.output)
  }

  @Test func `with folds every question is held out once and trained on in the others`() throws {
    let folder = try TemporaryFolder()
    let result = try Self.run(
      folder, ["folds=3", "val_ratio=0", "train_ratio=0.8", "test_ratio=0.2"])
    try #require(result.status == 0, "\(result.errorOutput)")
    for line in result.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    let json = try Self.json(folder)
    let indices = (json["questions"]?.arrayValue ?? []).compactMap { $0["index"]?.intValue }
    #expect(indices.sorted() == Array(0..<30))
    let longest = try #require(
      json["baselines"]?.arrayValue?.first { $0["baseline"]?.stringValue == "longest_option" })
    let shares = (longest["folds"]?.arrayValue ?? []).compactMap { $0["accuracy"]?.doubleValue }
    let mean = shares.reduce(0, +) / 3
    #expect(shares.count == 3)
    #expect(abs((longest["metrics"]?["mean_accuracy"]?.doubleValue ?? -1) - mean) < 1e-9)
    let square = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviations = [
      ("population_deviation", (square / 3).squareRoot()),
      ("sample_deviation", (square / 2).squareRoot()),
    ]
    for (name, value) in deviations {
      #expect(abs((longest["metrics"]?[name]?.doubleValue ?? -1) - value) < 1e-9)
    }
  }

  @Test func `without questions there is nothing to score`() throws {
    let none = try CommandRunner.run("disttrain", ["baselines", "seed=1"])
    #expect(none.status == 78 && none.errorOutput.contains("give dataset_path"))
    let missing = try CommandRunner.run("disttrain", ["baselines", "dataset_path=/no/questions"])
    #expect(missing.status == 66, "\(missing.errorOutput)")
  }
}
