/// How often the model is right where it gives its pick a certain probability.
struct ReliabilityChart {
  let bins: [ScoreRecord.Bin]

  private static func place(_ share: Double) -> String {
    Console.fixed(1000 * min(1, max(0, share)), 1)
  }

  /// The dot of a bin, a bar for its interval, and its number of answers.
  private static func mark(_ bin: ScoreRecord.Bin) -> Markup {
    let correct = min(1, max(0, bin.accuracy)) * Double(bin.count)
    let interval = WilsonInterval(correct: Int(correct.rounded()), of: bin.count)
    let x = place(bin.confidence)
    let (low, high) = (place(1 - interval.low), place(1 - interval.high))
    let title =
      "confidence \(NumberText.percent(bin.confidence)), right \(NumberText.percent(bin.accuracy)),"
      + " \(bin.count) answers"
    return """
      <g><title>\(title)</title><path class="whisker\(bin.count < IntervalChart.fewest ? " few" : "")" \
      d="M\(x) \(low)V\(high)"/>\
      <path class="c0 dots\(bin.count < IntervalChart.fewest ? " few" : "")" \
      d="M\(x) \(place(1 - bin.accuracy))h0"/></g>
      """
  }

  private static func label(_ percent: Int, _ side: String) -> Markup {
    "<span style=\"\(side):\(percent)%\">\(percent)</span>"
  }

  var markup: Markup {
    let ticks = [0, 25, 50, 75, 100]
    let grid = [0, 250, 500, 750, 1000].map {
      "<path class=\"grid\" d=\"M0 \($0)H1000\"/>" as Markup
    }
    return """
      <figure class="chart reliability"><figcaption>Share that is right (%) against the probability given to the \
      pick (%)<span class="legend"><span class="key level">what well-calibrated means</span></span></figcaption>
      <div class="plot"><div class="y" aria-hidden="true">\(ticks.map { Self.label($0, "bottom") })</div>
      <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="Reliability of \
      \(bins.reduce(0) { $0 + $1.count }) answers in \(bins.count) bins">
      \(grid)<path class="level" d="M0 1000L1000 0"/>\(bins.map(Self.mark))
      </svg><div class="x" aria-hidden="true">\(ticks.map { Self.label($0, "left") })</div></div></figure>

      """
  }
}
