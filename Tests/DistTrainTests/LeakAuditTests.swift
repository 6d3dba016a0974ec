import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct LeakAuditTests {
  /// 120 questions of four options each; `texts` gives the right option's text and the others'.
  private static func dataset(
    gold: (Int) -> Int = { ($0 * 7 + $0 / 4) % 4 },
    query: (Int) -> String = { "some question about dish number \($0 * 31)" },
    text: (_ question: Int, _ isRight: Bool, _ option: Int) -> String = { question, _, option in
      "dish \(question * 4 + option)"
    }
  ) throws -> Dataset {
    let items = (0..<120).map { index -> JSONValue in
      var options = JSONObject()
      for option in 0..<4 {
        options["id\(option)"] = .string(text(index, option == gold(index), option))
      }
      return .object([
        "query": .string(query(index)), "query_type": .object([:]), "options": .object(options),
        "answer": .string("id\(gold(index))"), "correctness_explanation": .object([:]),
      ])
    }
    return try Dataset(bytes: Array(JSONValue.array(items).text().utf8), name: "sample")
  }

  private static let split = Split(
    train: Array(0..<80), validation: Array(80..<90), heldOut: Array(90..<120))

  private static func audit(
    _ dataset: Dataset, _ order: OptionOrder = .shuffled, showsLetters: Bool = true
  ) -> LeakAudit {
    LeakAudit(dataset, split, order: order, showsLetters: showsLetters, seed: 3)
  }

  private static func beaten(_ audit: LeakAudit) -> [String] {
    audit.findings.filter(\.beatsChance).map(\.rule.name)
  }

  @Test func `an even data set is clean in any order`() throws {
    for order in OptionOrder.allCases {
      let audit = try Self.audit(Self.dataset(), order)
      #expect(audit.isClean && audit.summary.hasPrefix("clean"), "\(audit.warnings)")
      #expect(audit.json["verdict"] == .string("clean"))
    }
  }

  @Test func `a position that is right too often is told, unless the order is changed or hidden`()
    throws
  {
    let dataset = try Self.dataset(gold: { $0 % 3 == 0 ? 1 : 2 })
    let audit = Self.audit(dataset, .dataset)
    #expect(Self.beaten(audit) == ["always C"])
    #expect(
      audit.warnings.first?.contains("right in 80 of 120 questions (66.7 %, chance 25.0 %)") == true
    )
    #expect(audit.warnings.first?.contains("use option_order=shuffled") == true)
    #expect(audit.json["rules"]?.arrayValue?.first?["correct"] == .double(80))
    #expect(Self.audit(dataset, .shuffled).isClean)
    #expect(Self.audit(dataset, .dataset, showsLetters: false).isClean)
  }

  @Test(arguments: [true, false])
  func `right options of another length are told in any order`(isLonger: Bool) throws {
    let dataset = try Self.dataset(text: { question, isRight, option in
      "dish \(question * 4 + option)" + (isRight == isLonger ? " with a lot of cream" : "")
    })
    let expected = isLonger ? "longest option" : "shortest option"
    #expect(Self.beaten(Self.audit(dataset)) == [expected])
  }

  @Test func `right options that repeat the question are told`() throws {
    let dataset = try Self.dataset(query: { "which word\($0) is it" }) {
      question, isRight, option in
      isRight ? "word\(question) \(option)" : "other\(question) \(option)"
    }
    #expect(Self.beaten(Self.audit(dataset)).contains("most words of the question"))
  }

  @Test func `right options that were right in training are told`() throws {
    let dataset = try Self.dataset(text: { question, isRight, option in
      isRight ? "best \(question % 5)" : "dish \(question * 4 + option)"
    })
    let audit = Self.audit(dataset)
    #expect(Self.beaten(audit).contains("right in training"))
    #expect(audit.sharedAnswers == 30 && audit.sharedOptions == 30 && audit.heldOutOptions == 120)
  }

  @Test func `held-out questions that repeat trained ones are told`() throws {
    let dataset = try Self.dataset(query: { index in
      ["a warm soup for cold days in winter", "Warm soup for cold days, in winter"][
        index < 80 ? 0 : 1]
        + (index == 40 || index == 100 ? "" : " \(index) \(index * 3) \(index * 5)")
    })
    let audit = Self.audit(dataset)
    #expect(audit.nearDuplicates.map(\.heldOut) == [100])
    #expect(audit.nearDuplicates[0].train == 40 && audit.nearDuplicates[0].similarity == 0.875)
    #expect(audit.isClean && audit.warnings.first?.contains("such as 100 and 40") == true)
  }

  @Test func `near duplicates are those that comparing all pairs finds`() {
    let words = (0..<14).map { "w\($0)" }
    var random = RandomStream(seed: 4, purpose: .split)
    func question(_ index: Int) -> Question {
      let chosen = random.permutation(words.count).prefix(3 + index % 6).map { words[$0] }
      return QuestionSamples.question(index, query: chosen.joined(separator: " "))
    }
    let train = (0..<200).map(question)
    let heldOut = (200..<260).map(question)
    func similarity(_ a: Question, _ b: Question) -> Double {
      let (a, b) = (Set(a.query.split(separator: " ")), Set(b.query.split(separator: " ")))
      return Double(a.intersection(b).count) / Double(a.union(b).count)
    }
    let expected = heldOut.filter { question in
      train.contains { similarity(question, $0) >= NearDuplicates.threshold }
    }
    let found = NearDuplicates.find(heldOut: heldOut, train: train)
    #expect(Set(found.map(\.heldOut)) == Set(expected.map(\.index)) && !found.isEmpty)
    for pair in found {
      #expect(pair.similarity == similarity(heldOut[pair.heldOut - 200], train[pair.train]))
    }
  }

  @Test func `strict_audit refuses to train and writes nothing`() throws {
    let tiny = try TinyRun()
    let result = try CommandRunner.run(
      "disttrain",
      ["train"] + tiny.settings("strict", ["option_order=dataset", "strict_audit=true"]))
    #expect(result.status == 65)
    #expect(
      result.errorOutput.contains("strict_audit: nothing was trained"), "\(result.errorOutput)")
    #expect(!FileManager.default.fileExists(atPath: tiny.folder + "/strict/adapter"))
  }
}
