import DistTrain
import Foundation
import Testing

struct ProgressLineTests {
  private static let line = ProgressLine(
    done: 42, total: 125, loss: 1.23449, tokensPerSecond: 812.4, elapsed: 62, remaining: 124)

  @Test func `eighty columns show everything`() {
    #expect(
      Self.line.text(columns: 80, isUnicode: false)
        == "[##########....................]   42/125  loss 1.2345  812 tokens/s  1:02<2:04")
    #expect(Self.line.text(columns: 80, isUnicode: true).hasPrefix("██████████▊░░░░"))
  }

  @Test(arguments: 1...200, [true, false])
  func `no width is reached, and wide ones have a bar`(columns: Int, isUnicode: Bool) {
    let text = Self.line.text(columns: columns, isUnicode: isUnicode)
    #expect(text.count < columns)
    let hasBar = text.contains("█") || text.contains("#")
    #expect(hasBar == (columns >= 16), "\(text)")
    if columns >= 57 { #expect(text.hasSuffix("loss 1.2345  812 tokens/s  1:02<2:04")) }
    if columns >= 10 { #expect(text.contains("42/125")) }
  }

  @Test func `a bar grows by eighths from nothing to all`() {
    let bars = (0...80).map { ProgressLine.bar(Double($0) / 80, width: 10, isUnicode: true) }
    #expect(Set(bars).count == 81 && bars.allSatisfy { $0.count == 10 })
    #expect(bars[0] == String(repeating: "░", count: 10))
    #expect(bars[80] == String(repeating: "█", count: 10))
    #expect(ProgressLine.bar(0.5, width: 10, isUnicode: false) == "[####....]")
  }

  @Test func `a line without steps or times is short`() {
    let line = ProgressLine(title: "scoring", done: 0, total: 0, elapsed: 0)
    #expect(line.text(columns: 30, isUnicode: false) == "[........]  scoring 0/0  0:00")
  }

  @Test(arguments: [
    (0, "0:00"), (9.4, "0:09"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00"),
    (36_061, "10:01:01"), (172_800, "2d 0h"), (1e6, "11d 13h"), (Double.infinity, "?"),
  ])
  func `times are read at a glance`(seconds: Double, text: String) {
    #expect(ProgressLine.clock(seconds) == text)
  }
}

struct PaceTests {
  @Test func `the first step counts until there is another`() {
    var pace = Pace()
    #expect(pace.seconds(ofSteps: 3) == nil && pace.tokensPerSecond == nil)
    pace.count(tokens: 100, seconds: 10)
    #expect(pace.seconds(ofSteps: 3) == 30)
    pace.count(tokens: 100, seconds: 2)
    #expect(pace.seconds(ofSteps: 3) == 6 && pace.tokensPerSecond == 50)
    pace.count(tokens: 300, seconds: 4)
    #expect(pace.seconds(ofSteps: 3) == 9 && pace.secondsPerStep == 3)
    #expect(pace.steps == 3 && pace.elapsed == 16)
    for _ in 0..<20 { pace.count(tokens: 1, seconds: 1) }
    #expect(pace.secondsPerStep == 1)
  }
}

struct LogTableTests {
  private static func row(_ step: Int, _ loss: Double) -> LogTable.Row {
    LogTable.Row(
      step: step, epoch: 0.4, loss: loss, gradientNorm: 1.5, learningRate: 2e-5,
      tokensPerSecond: 812, remaining: 75)
  }

  private static func terminal(
    _ style: ProgressStyle, isUnicode: Bool = true, isColored: Bool = false
  ) -> Terminal {
    Terminal(
      style: style, columns: 80, isUnicode: isUnicode, isColored: isColored, sharesOutput: true)
  }

  @Test func `columns stand under their names, validation too`() {
    var table = LogTable(totalSteps: 125, terminal: Self.terminal(.plain))
    #expect(
      table.header == "  step   epoch      loss  grad norm  learning rate  tokens/s      left")
    #expect(
      table.line(Self.row(10, 2.25))
        == "    10    0.40    2.2500      1.500      2.000e-05       812      1:15")
    var tally = EvaluationResult.Tally()
    for index in 0..<4 { tally.count(index > 0) }
    #expect(
      table.validation(
        step: 10, epoch: 0.4, loss: 1.9, tally: tally, isBest: true)
        == "    10    0.40    1.9000  validation, 75.0 % of 4 right, the best so far")
  }

  @Test func `a terminal sees whether the loss falls`() {
    var table = LogTable(totalSteps: 125, terminal: Self.terminal(.tty))
    let lines = [2.25, 2.0, 2.0, 2.5].map { table.line(Self.row(10, $0)) }
    #expect(Set(lines.map(\.count)) == [table.header.count])
    #expect(lines.map { $0.contains("▼") } == [false, true, false, false])
    #expect(lines.map { $0.contains("▲") } == [false, false, false, true])
    #expect(table.header.count <= 80)
    var ascii = LogTable(totalSteps: 5, terminal: Self.terminal(.tty, isUnicode: false))
    _ = ascii.line(Self.row(1, 2))
    #expect(ascii.line(Self.row(2, 1)).contains("1.0000 -  "))
    var colored = LogTable(totalSteps: 5, terminal: Self.terminal(.tty, isColored: true))
    _ = colored.line(Self.row(1, 2))
    #expect(colored.line(Self.row(2, 1)).contains(" \u{1B}[32m▼\u{1B}[0m "))
  }

  @Test(arguments: 36...90)
  func `a narrow terminal has fewer columns`(columns: Int) {
    let terminal = Terminal(
      style: .tty, columns: columns, isUnicode: true, isColored: false, sharesOutput: true)
    var table = LogTable(totalSteps: 125, terminal: terminal)
    #expect(table.header.count <= columns && table.header.hasSuffix("left"))
    #expect(table.line(Self.row(1, 2)).count == table.header.count)
    #expect(table.header.contains("learning rate") == (columns >= 72))
  }

  @Test func `large numbers keep their distance`() {
    var table = LogTable(totalSteps: 1_000_000_000, terminal: Self.terminal(.plain))
    var row = Self.row(1_000_000_000, 123456.789)
    row.gradientNorm = 12_345_678.9
    row.tokensPerSecond = 12_345_678_901
    let words = table.line(row).split(separator: " ")
    #expect(words.count == 7)
    #expect(table.header.prefix { $0 == " " }.count == 7)
  }
}

struct FirstScreenTests {
  @Test func `no line is wider than eighty columns`() {
    var screen = FirstScreen()
    screen.add("model", "/very" + String(repeating: "/long", count: 40))
    screen.add("", String(repeating: "word ", count: 40))
    screen.add("output", "runs/a")
    for line in screen.lines { #expect(line.count <= 80) }
    #expect(screen.lines.first?.hasPrefix("model      /very/long") == true)
    #expect(screen.lines.last == "output     runs/a")
    #expect(screen.lines.dropFirst().dropLast().allSatisfy { $0.hasPrefix("           ") })
  }

  @Test(arguments: [
    (1, 1, 16, "16 micro-batches x 1 sequence = 16 a step; all on one rank"),
    (2, 4, 16, "16 micro-batches x 4 sequences = 64 a step; 8 on each of 2 ranks"),
    (3, 1, 16, "16 micro-batches x 1 sequence = 16 a step; 5 or 6 on each of 3 ranks"),
    (20, 1, 16, "16 micro-batches x 1 sequence = 16 a step; one on each of 16 ranks, 4 idle"),
    (1, 2, 1, "1 micro-batch x 2 sequences = 2 a step; all on one rank"),
  ])
  func `a step's work is spelled out`(
    ranks: Int, batchSize: Int, microBatches: Int, text: String
  ) {
    #expect(
      FirstScreen.window(ranks: ranks, batchSize: batchSize, microBatches: microBatches) == text)
  }
}
