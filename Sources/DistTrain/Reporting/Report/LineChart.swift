/// Curves over steps: an SVG that stretches with the page, and labels that do not.
struct LineChart {
  struct Series {
    enum Style: String {
      /// A faint line.
      case raw
      case line
      case dots
    }
    /// Shown in the legend; empty for none.
    let name: String
    let points: [(x: Double, y: Double)]
    let style: Style
    /// Which of the page's colours.
    let color: Int
  }
  /// Something that happened at a step.
  struct Mark {
    let x: Double
    /// "checkpoint" or "resume".
    let kind: String
  }
  struct Level {
    let y: Double
    let name: String
  }

  let title: String
  let series: [Series]
  var marks: [Mark] = []
  var levels: [Level] = []
  var isTall = false
  var fromZero = false

  private static let size = 1000.0
  /// More points than this are drawn by the extremes of as many stretches.
  private static let pointLimit = 1500

  var markup: Markup {
    let shown = series.filter { !$0.points.isEmpty }
    guard !shown.isEmpty else { return "" }
    let xs = shown.flatMap { $0.points.map(\.x) } + marks.map(\.x)
    let ys = shown.flatMap { $0.points.map(\.y) } + levels.map(\.y)
    let (x, y) = (Self.stepAxis(xs), Axis(holding: ys, count: isTall ? 5 : 4, fromZero: fromZero))
    return """
      <figure class="chart\(isTall ? " tall" : "")">
      <figcaption>\(title)\(legend(shown))</figcaption>
      <div class="plot">
      <div class="y" aria-hidden="true">\(y.ticks.map { Self.yLabel($0, y) })</div>
      <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="\(summary(shown))">
      \(y.ticks.map { Self.gridLine($0, y) })\(marks.map { Self.mark($0, x) })\
      \(levels.map { Self.level($0, y) })\(shown.map { Self.curve($0, x, y) })
      </svg>
      <div class="x" aria-hidden="true">\(x.ticks.map { Self.xLabel($0, x) })</div>
      </div>
      </figure>

      """
  }

  /// Steps are whole numbers; the axis ends where the run does.
  private static func stepAxis(_ xs: [Double]) -> Axis {
    let round = Axis(holding: xs + [0], count: 5, fromZero: true)
    let high = max(xs.max() ?? 1, 1)
    let ticks = round.ticks.filter { $0 == $0.rounded() && $0 <= high }
    return Axis(from: 0, to: high, ticks: ticks)
  }

  private func summary(_ shown: [Series]) -> String {
    shown.filter { $0.style != .raw || shown.count == 1 }.map { series in
      let (first, last) = (series.points[0], series.points[series.points.count - 1])
      let name = series.name.isEmpty ? title : series.name
      return "\(name): \(NumberText.short(first.y)) at step \(NumberText.short(first.x)),"
        + " \(NumberText.short(last.y)) at step \(NumberText.short(last.x))"
    }.joined(separator: "; ")
  }

  private func legend(_ shown: [Series]) -> Markup {
    var keys: [Markup] = shown.filter { !$0.name.isEmpty }.map {
      "<span class=\"key c\($0.color % 6) \($0.style.rawValue)\">\($0.name)</span>"
    }
    keys += levels.map { "<span class=\"key level\">\($0.name)</span>" }
    for kind in ["checkpoint", "resume"] where marks.contains(where: { $0.kind == kind }) {
      keys.append("<span class=\"key \(kind)\">\(kind == "resume" ? "resumed" : kind)</span>")
    }
    return keys.isEmpty ? "" : "<span class=\"legend\">\(keys)</span>"
  }

  private static func fixed(_ value: Double) -> String { Console.fixed(value, 1) }
  private static func percent(_ position: Double) -> String {
    Console.fixed(100 * position, 2) + "%"
  }

  private static func yLabel(_ tick: Double, _ axis: Axis) -> Markup {
    "<span style=\"bottom:\(percent(axis.position(tick)))\">\(axis.label(tick))</span>"
  }

  private static func xLabel(_ tick: Double, _ axis: Axis) -> Markup {
    "<span style=\"left:\(percent(axis.position(tick)))\">\(axis.label(tick))</span>"
  }

  private static func gridLine(_ tick: Double, _ axis: Axis) -> Markup {
    let y = fixed(size * (1 - axis.position(tick)))
    return "<path class=\"grid\" d=\"M0 \(y)H1000\"/>"
  }

  private static func level(_ level: Level, _ axis: Axis) -> Markup {
    let y = fixed(size * (1 - axis.position(level.y)))
    return "<path class=\"level\" d=\"M0 \(y)H1000\"><title>\(level.name)</title></path>"
  }

  private static func mark(_ mark: Mark, _ axis: Axis) -> Markup {
    let x = fixed(size * axis.position(mark.x))
    let d = mark.kind == "resume" ? "M\(x) 0V1000" : "M\(x) 960V1000"
    return """
      <path class="\(mark.kind)" d="\(d)"><title>\(mark.kind), step \(Int(mark.x))</title></path>
      """
  }

  private static func curve(_ series: Series, _ x: Axis, _ y: Axis) -> Markup {
    let places = thinned(series.points).map { point in
      "\(fixed(size * x.position(point.x))) \(fixed(size * (1 - y.position(point.y))))"
    }
    // A line of no length with a round end is a dot that does not stretch.
    let isDots = series.style == .dots || places.count == 1
    let d = isDots ? places.map { "M\($0)h0" }.joined() : "M" + places.joined(separator: "L")
    let style = isDots ? "dots" : series.style.rawValue
    return "<path class=\"c\(series.color % 6) \(style)\" d=\"\(d)\"/>"
  }

  private static func thinned(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    guard points.count > pointLimit else { return points }
    let width = (points.count + pointLimit / 2 - 1) / (pointLimit / 2)
    return stride(from: 0, to: points.count, by: width).flatMap { start in
      let part = points[start..<min(points.count, start + width)]
      let ends = [part.min { $0.y < $1.y }, part.max { $0.y < $1.y }].compactMap(\.self)
      return ends.sorted { $0.x < $1.x }
    }
  }
}

extension LineChart.Series {
  /// At every point the height of the line that fits its neighbours best, weighted by a bell whose deviation is a
  /// thirtieth of the curve; a line, because a mean would be drawn inwards at both ends.
  static func smoothed(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    let deviation = Double(points.count) / 30
    guard deviation >= 0.5 else { return points }
    let reach = Int((3 * deviation).rounded(.up))
    let weights = (0...reach).map { bell(Double($0) / deviation) }
    return points.indices.map { index in
      var (w, wx, wxx, wy, wxy) = (0.0, 0.0, 0.0, 0.0, 0.0)
      for other in max(0, index - reach)...min(points.count - 1, index + reach) {
        let (weight, y) = (weights[abs(other - index)], points[other].y)
        let x = Double(other - index)
        w += weight
        wx += weight * x
        wxx += weight * x * x
        wy += weight * y
        wxy += weight * x * y
      }
      return (points[index].x, (wxx * wy - wx * wxy) / (w * wxx - wx * wx))
    }
  }
}
