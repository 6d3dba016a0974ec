import DistTrain
import TestSupport
import Testing

struct OptionOrderTests {
  private static let questions = (0..<2000).map { QuestionSamples.question($0) }

  /// How often the right option, always the first of the file, gets each letter.
  private static func counts(_ order: OptionOrder, epoch: Int?) -> [Int] {
    questions.reduce(into: [Int](repeating: 0, count: 5)) { counts, question in
      let letters = order.order(of: question, seed: 42, epoch: epoch)
      counts[letters.firstIndex(of: 0) ?? 0] += 1
    }
  }

  @Test(arguments: [OptionOrder.shuffled, .reshuffled], [nil, 0, 1, 7])
  func `shuffled letters of the right option are uniform`(order: OptionOrder, epoch: Int?) {
    // Chi-square with 4 degrees of freedom; 23.5 is passed by chance once in ten thousand seeds.
    let statistic = Self.counts(order, epoch: epoch).reduce(0.0) {
      $0 + (Double($1) - 400) * (Double($1) - 400) / 400
    }
    #expect(statistic < 23.5, "\(statistic)")
  }

  @Test func `file order keeps the right option where it stands`() {
    #expect(Self.counts(.dataset, epoch: nil) == [2000, 0, 0, 0, 0])
    #expect(Self.counts(.dataset, epoch: 3) == [2000, 0, 0, 0, 0])
  }

  @Test(arguments: OptionOrder.allCases, [2, 5, 26])
  func `an order is a permutation and repeats itself`(order: OptionOrder, count: Int) {
    for index in 0..<50 {
      let question = QuestionSamples.question(index, options: count)
      let letters = order.order(of: question, seed: 1, epoch: 2)
      #expect(letters.sorted() == Array(0..<count))
      #expect(order.order(of: question, seed: 1, epoch: 2) == letters)
    }
  }

  @Test func `shuffled stays, reshuffled changes from epoch to epoch, both change with the seed`() {
    func orders(_ order: OptionOrder, seed: UInt64 = 42, epoch: Int?) -> [[Int]] {
      Self.questions.prefix(50).map { order.order(of: $0, seed: seed, epoch: epoch) }
    }
    #expect(orders(.shuffled, epoch: 0) == orders(.shuffled, epoch: 5))
    #expect(orders(.shuffled, epoch: nil) == orders(.shuffled, epoch: 5))
    #expect(orders(.reshuffled, epoch: 0) != orders(.reshuffled, epoch: 1))
    #expect(orders(.reshuffled, epoch: nil) == orders(.shuffled, epoch: nil), "scored alike")
    for epoch in 0..<5 {
      #expect(orders(.reshuffled, epoch: epoch) != orders(.reshuffled, epoch: nil))
    }
    #expect(orders(.shuffled, epoch: 0) != orders(.shuffled, seed: 43, epoch: 0))
  }

  @Test func `an order depends on the question's index, not on its neighbours`() {
    let alone = OptionOrder.shuffled.order(of: QuestionSamples.question(17), seed: 42, epoch: nil)
    #expect(OptionOrder.shuffled.order(of: Self.questions[17], seed: 42, epoch: nil) == alone)
  }

  @Test func `right letters are counted in the order that a model sees`() throws {
    let questions = [2, 1, 1, 0].map { QuestionSamples.question(answer: $0) }
    #expect(OptionOrder.dataset.goldPositions(questions, seed: 1) == [1, 2, 1, 0, 0])
    #expect(OptionOrder.dataset.goldPositions([], seed: 1).isEmpty)
    let shuffled = OptionOrder.shuffled.goldPositions(Self.questions, seed: 42)
    #expect(shuffled.reduce(0, +) == Self.questions.count)
    #expect(Double(try #require(shuffled.max())) < 0.25 * Double(Self.questions.count))
  }

  @Test func `all rotations give every option every letter once`() {
    let question = QuestionSamples.question(17)
    let orders = OptionOrder.allCyclic.scoringOrders(of: question, seed: 42)
    #expect(orders[0] == OptionOrder.shuffled.order(of: question, seed: 42, epoch: nil))
    for position in 0..<5 { #expect(Set(orders.map { $0[position] }) == Set(0..<5)) }
    #expect(OptionOrder.shuffled.scoringOrders(of: question, seed: 42) == [orders[0]])
  }

  @Test func `the split is the same for every option order`() throws {
    let tiny = try TinyRun()
    let splits = try OptionOrder.allCases.map {
      try QuestionSamples.inputs(tiny, ["option_order=\($0.rawValue)"]).split
    }
    #expect(splits.allSatisfy { $0 == splits[0] })
  }
}
