import DistTrain
import Foundation
import Model
import Synchronization
import Testing

/// What a screen wrote, a call each.
private final class Recorder: Sendable {
  private let writes = Mutex<[(text: String, descriptor: Int32)]>([])
  var all: [(text: String, descriptor: Int32)] { writes.withLock { $0 } }
  func add(_ text: String, _ descriptor: Int32) {
    writes.withLock { $0.append((text, descriptor)) }
  }
}

struct ScreenTests {
  private static let clear = "\r\u{1B}[K"

  private static func terminal(
    _ style: ProgressStyle, isColored: Bool = false, sharesOutput: Bool = true
  ) -> Terminal {
    Terminal(
      style: style, columns: 80, isUnicode: false, isColored: isColored, sharesOutput: sharesOutput)
  }

  private static func record(
    _ terminal: Terminal, _ body: (Screen) -> Void
  ) -> [(text: String, descriptor: Int32)] {
    let recorder = Recorder()
    let screen = Screen { recorder.add($0, $1) }
    screen.use(terminal)
    body(screen)
    return recorder.all
  }

  private static func show(_ screen: Screen, _ text: String, at now: ContinuousClock.Instant) {
    screen.progress(now: now) { _ in
      text
    } line: {
      (text, ["event": .string("progress"), "text": .string(text)])
    }
  }

  @Test func `a line above the live line is one write that clears, prints and draws again`() {
    let now = ContinuousClock.now
    let writes = Self.record(Self.terminal(.tty)) { screen in
      Self.show(screen, "live", at: now)
      screen.note("row", now: now + .milliseconds(100))
      screen.alert(
        level: "warning", speaker: Speaker(rank: 3, host: "b"), "slow",
        now: now + .milliseconds(250))
    }
    #expect(
      writes.map(\.text) == [
        Self.clear + "live", Self.clear + "row\nlive",
        Self.clear + "warning: [rank 3 b] slow\nlive",
      ])
    #expect(writes.allSatisfy { $0.descriptor == 2 })
  }

  @Test func `the live line is drawn ten times a second at most`() {
    let now = ContinuousClock.now
    let writes = Self.record(Self.terminal(.tty)) { screen in
      for step in 0..<1000 { Self.show(screen, "\(step)", at: now + .milliseconds(step)) }
      // Ninety-nine milliseconds after the last one.
      screen.note("row", now: now + .milliseconds(999))
    }
    #expect(writes.count { $0.text.hasPrefix(Self.clear) && !$0.text.contains("\n") } == 10)
    #expect(writes.last?.text == Self.clear + "row\n")
  }

  @Test func `before long work the live line is drawn in any case`() {
    let now = ContinuousClock.now
    let writes = Self.record(Self.terminal(.tty)) { screen in
      Self.show(screen, "1", at: now)
      screen.note("row", now: now + .milliseconds(1))
      screen.progress(isLong: true, now: now + .milliseconds(2)) { _ in
        "2"
      } line: {
        ("", [:])
      }
      Self.show(screen, "3", at: now + .milliseconds(101))
      Self.show(screen, "4", at: now + .milliseconds(102))
    }
    #expect(writes.map(\.text) == ["1", "row\n", "2", "4"].map { Self.clear + $0 })
  }

  @Test func `results and errors are the end of the live line`() {
    let now = ContinuousClock.now
    let results = Self.record(Self.terminal(.tty)) { screen in
      Self.show(screen, "live", at: now)
      screen.result("42 %")
      screen.note("adapter", now: now + .seconds(1))
    }
    #expect(
      results.map(\.text).dropFirst() == [
        Self.clear, Self.clear + "42 %\n", Self.clear + "adapter\n",
      ])
    #expect(results.map(\.descriptor) == [2, 2, 1, 2])
    let errors = Self.record(Self.terminal(.tty)) { screen in
      Self.show(screen, "live", at: now)
      screen.alert(level: "error", speaker: nil, "no", now: now + .seconds(1))
    }
    #expect(errors.last?.text == Self.clear + "error: no\n")
    let redirected = Self.record(Self.terminal(.tty, sharesOutput: false)) { $0.result("42 %") }
    #expect(redirected.map(\.text) == ["42 %\n"])
  }

  @Test func `without a terminal there are whole lines, and one after a minute of silence`() {
    let now = ContinuousClock.now
    let writes = Self.record(Self.terminal(.plain)) { screen in
      screen.note("row", now: now)
      Self.show(screen, "early", at: now + .seconds(59))
      Self.show(screen, "late", at: now + .seconds(60))
      Self.show(screen, "again", at: now + .seconds(61))
      Self.show(screen, "later", at: now + .seconds(121))
      screen.result("42 %")
    }
    #expect(writes.map(\.text) == ["row\n", "late\n", "later\n", "42 %\n"])
  }

  @Test func `programs get one JSON object per line`() throws {
    let now = ContinuousClock.now
    let writes = Self.record(Self.terminal(.json)) { screen in
      screen.note("", now: now)
      screen.note("header", event: [:], now: now)
      screen.note("two\nlines", now: now)
      screen.note("row", event: ["event": .string("step"), "step": .integer(3)], now: now)
      screen.alert(level: "warning", speaker: Speaker(rank: 0, host: "a"), "hot \"cpu\"", now: now)
      screen.alert(level: "critical", speaker: nil, "no", now: now)
      Self.show(screen, "x", at: now + .seconds(61))
    }
    let objects = try writes.map { try JSONParser.parse($0.text) }
    #expect(writes.allSatisfy { $0.text.hasSuffix("}\n") && $0.text.count { $0 == "\n" } == 1 })
    #expect(
      objects.map { $0["event"]?.stringValue ?? "" }
        == ["note", "step", "warning", "error", "progress"])
    #expect(objects[0]["message"]?.stringValue == "two\nlines")
    #expect(objects[2]["rank"]?.intValue == 0 && objects[2]["host"]?.stringValue == "a")
    #expect(objects[2]["message"]?.stringValue == "hot \"cpu\"")
  }

  @Test func `off leaves warnings and results`() {
    let writes = Self.record(Self.terminal(.off)) { screen in
      screen.note("row")
      Self.show(screen, "live", at: .now + .seconds(100))
      screen.alert(level: "warning", speaker: nil, "hot")
      screen.result("42 %")
    }
    #expect(writes.map(\.text) == ["warning: hot\n", "42 %\n"])
  }

  @Test func `only the word is coloured`() {
    let writes = Self.record(Self.terminal(.plain, isColored: true)) { screen in
      screen.alert(level: "warning", speaker: Speaker(rank: 0, host: "a"), "hot")
      screen.alert(level: "error", speaker: Speaker(rank: 1, host: "a"), "no")
    }
    #expect(
      writes.map(\.text) == [
        "\u{1B}[33mwarning:\u{1B}[0m hot\n", "\u{1B}[31merror:\u{1B}[0m [rank 1 a] no\n",
      ])
  }
}

struct TerminalTests {
  private static func resolve(
    _ environment: [String: String] = [:], style: ProgressStyle? = nil,
    color: ColorChoice = .auto, isTerminal: Bool = true, columns: Int? = 100
  ) throws -> Terminal {
    try Terminal(
      style: style, color: color, environment: environment,
      streams: .init(
        errorsAreTerminal: isTerminal, outputIsTerminal: isTerminal, columns: columns))
  }

  @Test func `flag, launcher, variable and stream decide in this order`() throws {
    #expect(try Self.resolve().style == .tty)
    #expect(try Self.resolve(isTerminal: false).style == .plain)
    #expect(try Self.resolve(["TERM": "dumb"]).style == .plain)
    #expect(try Self.resolve(["DISTTRAIN_PROGRESS": "json"]).style == .json)
    #expect(try Self.resolve(["DISTTRAIN_PROGRESS": "tty"], isTerminal: false).style == .tty)
    #expect(try Self.resolve(["DISTTRAIN_PROGRESS": "json"], style: .off).style == .off)
    #expect(try Self.resolve(["DISTTRAIN_PROGRESS": "json"], style: .auto).style == .tty)
    let told = ["DISTTRAIN_PROGRESS": "json", "DISTTRAIN_TERMINAL": "tty:132:unicode"]
    let rank = try Self.resolve(told, isTerminal: false, columns: nil)
    #expect(rank.style == .tty && rank.columns == 132 && rank.isUnicode && !rank.isColored)
    #expect(try Self.resolve(told, style: .plain).style == .plain)
    #expect(throws: ConfigurationError.self) { try Self.resolve(["DISTTRAIN_PROGRESS": "tyt"]) }
  }

  @Test(arguments: [ProgressStyle.tty, .plain, .json, .off], [true, false])
  func `what a launcher tells its ranks is read back`(style: ProgressStyle, flag: Bool) {
    let terminal = Terminal(
      style: style, columns: 97, isUnicode: flag, isColored: !flag, sharesOutput: flag)
    #expect(Terminal(told: terminal.word) == terminal)
  }

  @Test(arguments: ["", "tty", "auto:80", "tty:0", "tty:x", "fancy:80"])
  func `another word tells nothing`(word: String) { #expect(Terminal(told: word) == nil) }

  @Test(arguments: [
    (ColorChoice.auto, [:], true, true), (.auto, [:], false, false),
    (.auto, ["NO_COLOR": "1"], true, false), (.auto, ["NO_COLOR": ""], true, true),
    (.auto, ["FORCE_COLOR": "1"], false, true), (.auto, ["FORCE_COLOR": "0"], true, false),
    (.auto, ["NO_COLOR": "1", "FORCE_COLOR": "1"], true, false),
    (.auto, ["TERM": "dumb"], true, false), (.always, ["NO_COLOR": "1"], false, true),
    (.never, ["FORCE_COLOR": "1"], true, false),
  ])
  func `colours follow flag and variables`(
    choice: ColorChoice, environment: [String: String], isTerminal: Bool, isColored: Bool
  ) {
    #expect(Terminal.isColored(choice, environment, isTerminal: isTerminal) == isColored)
  }

  @Test func `width and character set come from the surroundings`() throws {
    #expect(try Self.resolve(columns: nil).columns == 80)
    #expect(try Self.resolve(columns: 120).columns == 120)
    #expect(try Self.resolve(["COLUMNS": "60"], columns: 120).columns == 60)
    #expect(try Self.resolve(["COLUMNS": "200"], columns: 120).columns == 120)
    #expect(try Self.resolve(["COLUMNS": "200"], columns: nil).columns == 200)
    #expect(try Self.resolve(["COLUMNS": "wide"], columns: nil).columns == 80)
    #expect(try Self.resolve(["LANG": "de_DE.UTF-8"]).isUnicode)
    #expect(try Self.resolve(["LANG": "C.utf8"]).isUnicode)
    #expect(try !Self.resolve(["LANG": "de_DE.UTF-8", "LC_ALL": "C"]).isUnicode)
    #expect(try Self.resolve(["LANG": "C", "LC_CTYPE": "C.UTF-8", "LC_ALL": ""]).isUnicode)
    #expect(try !Self.resolve().isUnicode)
  }
}
