/// How far a run is, on one line: "[#####.....]  42/125  loss 1.2340  812 tokens/s  1:02<2:04".
package struct ProgressLine: Sendable {
  /// What is counted, such as "scoring"; empty for steps.
  package var title = ""
  package var done: Int, total: Int
  package var loss: Double?
  package var tokensPerSecond: Double?
  package var elapsed: Double
  /// Seconds that are left; nil where nothing was measured yet.
  package var remaining: Double?

  private static let widestBar = 40, narrowestBar = 6

  package init(
    title: String = "", done: Int, total: Int, loss: Double? = nil, tokensPerSecond: Double? = nil,
    elapsed: Double, remaining: Double? = nil
  ) {
    self.title = title
    self.done = done
    self.total = total
    self.loss = loss
    self.tokensPerSecond = tokensPerSecond
    self.elapsed = elapsed
    self.remaining = remaining
  }

  /// As much of it as fits, one column short of the width, where a terminal would begin a new line.
  package func text(columns: Int, isUnicode: Bool) -> String {
    let room = columns - 1
    let count = Console.padded(String(done), String(total).count) + "/\(total)"
    let clock = Self.clock(elapsed) + (remaining.map { "<" + Self.clock($0) } ?? "")
    let head = (title.isEmpty ? "" : title + " ") + count
    let shown = loss.map { "loss \(Console.fixed($0, 4))" }
    let rate = tokensPerSecond.map { "\(Console.fixed($0, 0)) tokens/s" }
    let choices = [[head, shown, rate, clock], [head, shown, clock], [head, clock], [head]]
      .map { $0.compactMap { $0 }.joined(separator: "  ") }
    for words in choices {
      let bar = min(Self.widestBar, room - words.count - 2)
      if bar >= Self.narrowestBar {
        return Self.bar(share, width: bar, isUnicode: isUnicode) + "  " + words
      }
    }
    return String((choices.first { $0.count <= room } ?? head).prefix(max(0, room)))
  }

  private var share: Double { total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0 }

  /// A bar of `width` columns, filled to an eighth of a column with Unicode's blocks.
  package static func bar(_ share: Double, width: Int, isUnicode: Bool) -> String {
    guard isUnicode else {
      let full = Int(share * Double(width - 2))
      return "[" + String(repeating: "#", count: full)
        + String(repeating: ".", count: width - 2 - full) + "]"
    }
    let eighths = Int(share * Double(8 * width))
    let parts = [
      "", "\u{258F}", "\u{258E}", "\u{258D}", "\u{258C}", "\u{258B}", "\u{258A}", "\u{2589}",
    ]
    let full = String(repeating: "\u{2588}", count: eighths / 8) + parts[eighths % 8]
    return full + String(repeating: "\u{2591}", count: width - full.count)
  }

  /// "0:09", "12:34", "1:02:03", and from two days on "3d 4h".
  package static func clock(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let whole = Int(seconds.rounded())
    func two(_ value: Int) -> String { (value < 10 ? "0" : "") + String(value) }
    switch whole {
    case ..<3600: return "\(whole / 60):\(two(whole % 60))"
    case ..<172_800: return "\(whole / 3600):\(two(whole % 3600 / 60)):\(two(whole % 60))"
    default: return "\(whole / 86_400)d \(whole % 86_400 / 3600)h"
    }
  }
}
