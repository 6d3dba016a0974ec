internal import Glibc
package import Model
internal import Synchronization

/// Standard error and output as one screen: lines that scroll, and on a terminal one live line below them.
///
/// Every text goes out in one write that begins by clearing the live line, from whichever rank it comes; so no line is torn
/// though all ranks share a screen. The live line, which the root alone has, comes back with the same write or at the next
/// step. No thread draws: who works says how far it is.
package final class Screen: Sendable {
  private struct State {
    var terminal = Terminal.plain
    var live: String?
    var lastDraw: ContinuousClock.Instant?
    var lastLine = ContinuousClock.now
  }
  private let state = Mutex(State())
  private let write: @Sendable (String, Int32) -> Void

  private static let drawInterval = Duration.milliseconds(100)
  /// A log without a line for so long looks like a job that hangs.
  private static let silence = Duration.seconds(60)
  private static let clear = "\r\u{1B}[K"

  package init(write: @escaping @Sendable (String, Int32) -> Void) { self.write = write }

  package func use(_ terminal: Terminal) { state.withLock { $0.terminal = terminal } }

  package var terminal: Terminal { state.withLock { $0.terminal } }

  /// A line of progress; `event` is what programs are told instead, nothing where it is empty.
  package func note(
    _ text: String, event: JSONObject? = nil, now: ContinuousClock.Instant = .now
  ) {
    state.withLock { state in
      switch state.terminal.style {
      case .off: return
      case .json:
        let event = event ?? Self.event(note: text)
        if event.count > 0 { write(JSONValue.object(event).text() + "\n", STDERR_FILENO) }
      case .auto, .plain, .tty: print(text, &state, now)
      }
      state.lastLine = now
    }
  }

  private static func event(note text: String) -> JSONObject {
    let words = text.split(whereSeparator: \.isNewline)
    return words.isEmpty
      ? [:] : ["event": .string("note"), "message": .string(words.joined(separator: "\n"))]
  }

  /// A warning or an error, which every style shows; after an error nothing is live any more.
  package func alert(
    level: String, speaker: Speaker?, _ message: String, now: ContinuousClock.Instant = .now
  ) {
    state.withLock { state in
      state.lastLine = now
      let isError = level != "warning"
      if isError { state.live = nil }
      guard state.terminal.style == .json else {
        let word = Paint(isOn: state.terminal.isColored)(level + ":", isError ? .red : .yellow)
        let text = level + ":" + (speaker.map(\.prefix) ?? "") + " " + message
        let wrapped = state.terminal.style == .tty ? Self.wrapped(text, state.terminal) : text
        return print(word + wrapped.dropFirst(level.count + 1), &state, now)
      }
      var event: JSONObject = ["event": .string(isError ? "error" : level)]
      if let speaker {
        event["rank"] = .integer(speaker.rank)
        event["host"] = .string(speaker.host)
      }
      event["message"] = .string(message)
      write(JSONValue.object(event).text() + "\n", STDERR_FILENO)
    }
  }

  /// A line of result on standard output, after which nothing is live.
  package func result(_ text: String) {
    state.withLock { state in
      let isLive = state.terminal.style == .tty
      if isLive, state.live != nil { write(Self.clear, STDERR_FILENO) }
      state.live = nil
      let start = isLive && state.terminal.sharesOutput ? Self.clear : ""
      write(start + text + "\n", STDOUT_FILENO)
    }
  }

  /// Says how far the work is: on a terminal as the live line, at most ten times a second; elsewhere as a line, once a minute
  /// if there was no other.
  ///
  /// - Parameter isLong: The next word may take long, so the live line must be drawn now.
  package func progress(
    isLong: Bool = false, now: ContinuousClock.Instant = .now, live: (Terminal) -> String,
    line: () -> (text: String, event: JSONObject)
  ) {
    let isDue = state.withLock { state in
      switch state.terminal.style {
      case .tty:
        guard isLong || Self.mayDraw(state, now) else { return false }
        let text = live(state.terminal)
        write(Self.clear + text, STDERR_FILENO)
        state.live = text
        state.lastDraw = now
        return false
      case .plain, .json, .auto: return now - state.lastLine >= Self.silence
      case .off: return false
      }
    }
    guard isDue else { return }
    let (text, event) = line()
    note(text, event: event, now: now)
  }

  /// Takes the live line away; the next one is drawn at once.
  package func endLive() {
    state.withLock { state in
      if state.live != nil { write(Self.clear, STDERR_FILENO) }
      state.live = nil
      state.lastDraw = nil
    }
  }

  /// Breaks long lines at spaces, the rest of a line a little to the right.
  private static func wrapped(_ text: String, _ terminal: Terminal) -> String {
    let width = terminal.columns
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      guard line.count > width, width > 20 else { return String(line) }
      return FindingPrinter.wrapped(String(line), width: width - 2).joined(separator: "\n  ")
    }.joined(separator: "\n")
  }

  private func print(_ text: String, _ state: inout State, _ now: ContinuousClock.Instant) {
    guard state.terminal.style == .tty else { return write(text + "\n", STDERR_FILENO) }
    let redraws = state.live != nil && Self.mayDraw(state, now)
    write(Self.clear + text + "\n" + (redraws ? state.live ?? "" : ""), STDERR_FILENO)
    if redraws { state.lastDraw = now }
  }

  private static func mayDraw(_ state: State, _ now: ContinuousClock.Instant) -> Bool {
    state.lastDraw.map { now - $0 >= drawInterval } ?? true
  }
}

/// The rank that a warning comes from.
package struct Speaker: Sendable, Equatable {
  package let rank: Int
  package let host: String

  package init(rank: Int, host: String) {
    self.rank = rank
    self.host = host
  }

  /// The root speaks for the job; others say who they are.
  var prefix: String { rank == 0 ? "" : " [rank \(rank) \(host)]" }
}

/// Colours a few words (ECMA-48, 8.3.117).
package struct Paint: Sendable {
  package enum Color: Int, Sendable { case red = 31, green, yellow }
  package let isOn: Bool

  package init(isOn: Bool) { self.isOn = isOn }

  package func callAsFunction(_ text: String, _ color: Color) -> String {
    isOn ? "\u{1B}[\(color.rawValue)m\(text)\u{1B}[0m" : text
  }
}
