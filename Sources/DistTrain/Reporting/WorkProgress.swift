internal import Model

/// How far work is that has no steps, such as scoring.
struct WorkProgress {
  let title: String
  let total: Int
  private let start = ContinuousClock.now

  init(_ title: String, total: Int) {
    self.title = title
    self.total = total
  }

  /// Before the first screen, for a terminal alone.
  static func showLoading() {
    Console.progress {
      String("reading data, tokenizer and weights".prefix($0.currentColumns - 1))
    } line: {
      ("", [:])
    }
  }

  func show(_ done: Int) {
    Console.progress {
      let elapsed = start.secondsToNow
      let remaining = done > 0 ? elapsed / Double(done) * Double(total - done) : nil
      return ProgressLine(
        title: title, done: done, total: total, elapsed: elapsed, remaining: remaining
      ).text(columns: $0.currentColumns, isUnicode: $0.isUnicode)
    } line: {
      (
        "\(title) \(done)/\(total)",
        [
          "event": .string("progress"), "work": .string(title), "done": .integer(done),
          "total": .integer(total),
        ]
      )
    }
  }
}
