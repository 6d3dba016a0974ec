package import Foundation
internal import Glibc

/// How far a run is, from its files.
package struct RunProgress: Sendable {
  package let run: RunRecord
  /// Whether there are results that are newer than the start of the run and its log.
  package let isFinished: Bool
  /// When the log last changed.
  package let lastChange: Date?

  package init(folder: String) throws(CommandFailure) {
    run = try RunRecord(folder: folder)
    let (start, log) = (
      Self.change(folder + "/config.yaml"), Self.change(folder + "/metrics.jsonl")
    )
    lastChange = log ?? start
    isFinished =
      Self.change(folder + "/results.json").map { results in
        results >= (start ?? .distantPast) && results >= (log ?? .distantPast)
      } ?? false
  }

  /// When each file that `init` looks at was last written: while this stays, so does the progress.
  static func changes(_ folder: String) -> [Date?] {
    ["config.yaml", "metrics.jsonl", "trainer_state.json", "results.json"].map {
      change(folder + "/" + $0)
    }
  }

  /// When a file was last written; nil where it is not there.
  static func change(_ path: String) -> Date? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    let nanoseconds = Double(status.st_mtim.tv_nsec)
    return Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec) + nanoseconds * 1e-9)
  }

  /// Seconds until the last step at the mean pace of the log; nil where the log says too little.
  package var remainingSeconds: Double? {
    guard let total = run.totalSteps, let last = run.lastStep else { return nil }
    var (seconds, steps, before) = (0.0, 0.0, 0.0)
    for point in run.training {
      if let time = point.seconds {
        seconds += time
        steps += max(0, Double(point.step) - before)
      }
      before = Double(point.step)
    }
    return steps > 0 ? max(0, Double(total) - Double(last)) * seconds / steps : nil
  }

  /// Whether nothing was written for much longer than a line of the log takes.
  package func isQuiet(now: Date) -> Bool {
    guard let lastChange, !isFinished else { return false }
    let usual = run.training.compactMap(\.seconds).suffix(5).max() ?? 60
    return now.timeIntervalSince(lastChange) > max(60, 4 * usual)
  }

  /// One line: bar, step, loss, speed, what remains, the last validation; or the score.
  package func text(now: Date, barWidth: Int = 24) -> String {
    if isFinished, let score = run.score {
      let interval = NumberText.interval(score.overall.interval)
      return "finished   \(NumberText.percent(score.overall.share)) of \(score.overall.total)"
        + " held-out questions right (95 % interval \(interval))"
    }
    guard let last = run.training.last else { return "waiting for the first line of the log" }
    var parts: [String] = []
    if let total = run.totalSteps, total > 0 {
      let share = min(1, Double(last.step) / Double(total))
      let filled = Int((share * Double(barWidth)).rounded(.down))
      let bar =
        String(repeating: "#", count: filled) + String(repeating: ".", count: barWidth - filled)
      parts.append("[\(bar)] \(Console.padded(Console.fixed(100 * share, 0), 3)) %")
      parts.append("step \(last.step)/\(total)")
    } else {
      parts.append("step \(last.step)")
    }
    parts.append("loss \(Console.fixed(last.loss, 4))")
    if let speed = last.tokensPerSecond {
      parts.append("\(NumberText.grouped(speed)) tokens/s")
    }
    if let remaining = remainingSeconds { parts.append("\(MetricsLog.clock(remaining)) left") }
    if let validation = run.validation.last {
      parts.append("validation \(Console.fixed(validation.loss, 4)) at step \(validation.step)")
    }
    if isQuiet(now: now), let lastChange {
      let seconds = now.timeIntervalSince(lastChange)
      parts.append("nothing new for \(MetricsLog.clock(seconds)); has it stopped?")
    }
    return parts.joined(separator: "  ")
  }
}
