package import Model

/// The text of metrics.jsonl: the history of a run, which depends on the run alone, and behind each line's own keys what
/// depends on the clock.
package enum MetricsLog {
  /// - Parameters:
  ///   - history: Lines without times.
  ///   - seconds: Of each line the time since the one before, where it is known.
  package static func text(
    _ history: [JSONValue], seconds: [Double?], totalSteps: Int
  ) -> String {
    var text = ""
    var (elapsed, timedSteps, lastStep) = (0.0, 0, 0)
    for (line, seconds) in zip(history, seconds) {
      let step = line["step"]?.intValue ?? 0
      guard let seconds else {
        if line["loss"] != nil { lastStep = step }
        text += line.text() + "\n"
        continue
      }
      elapsed += seconds
      timedSteps += max(0, step - lastStep)
      lastStep = step
      let perStep = elapsed / Double(max(1, timedSteps))
      var whole = line.objectValue ?? JSONObject()
      whole["seconds"] = .double(seconds)
      whole["current_steps"] = .integer(step)
      whole["total_steps"] = .integer(totalSteps)
      whole["percentage"] = .double(hundredths(100 * Double(step) / Double(max(1, totalSteps))))
      whole["elapsed_time"] = .string(clock(elapsed))
      whole["remaining_time"] = .string(clock(perStep * Double(max(0, totalSteps - step))))
      let tokens = line["tokens"]?.doubleValue ?? 0
      whole["throughput"] = .double(hundredths(tokens / max(seconds, 1e-9)))
      text += JSONValue.object(whole).text() + "\n"
    }
    return text
  }

  private static func hundredths(_ value: Double) -> Double { (100 * value).rounded() / 100 }

  /// Hours, minutes and seconds, as in 1:02:03; days before them where there are any.
  package static func clock(_ seconds: Double) -> String {
    let whole = Int(min(max(0, seconds.rounded()), 1e12))
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let time = "\(whole / 3600 % 24):\(two(whole / 60 % 60)):\(two(whole % 60))"
    let days = whole / 86400
    return days == 0 ? time : "\(days) day\(days == 1 ? "" : "s"), \(time)"
  }
}
