/// The curves of one run, or of several over each other.
struct TrainingSection {
  let runs: [RunRecord]

  private typealias Point = (x: Double, y: Double)

  private func points(
    _ run: RunRecord, _ value: (RunRecord.TrainingPoint) -> Double?
  ) -> [Point] {
    run.training.compactMap { point in value(point).map { (Double(point.step), $0) } }
  }

  /// The training loss, faint and smoothed, and the validation loss.
  private var loss: LineChart {
    var series: [LineChart.Series] = []
    for (index, run) in runs.enumerated() {
      let raw = points(run, \.loss)
      let smooth = LineChart.Series.smoothed(raw)
      let color = runs.count == 1 ? 0 : index
      let isSmoothed = raw.count >= 15
      if isSmoothed { series.append(.init(name: "", points: raw, style: .raw, color: color)) }
      let name = runs.count > 1 ? run.name : isSmoothed ? "training, smoothed" : "training"
      series.append(
        .init(name: name, points: isSmoothed ? smooth : raw, style: .line, color: color))
      series.append(
        .init(
          name: runs.count > 1 ? "" : "validation",
          points: run.validation.map { (Double($0.step), $0.loss) }, style: .dots,
          color: runs.count == 1 ? 1 : index))
    }
    var chart = LineChart(title: "Loss per token", series: series, isTall: true)
    if runs.count == 1 {
      chart.marks =
        runs[0].checkpoints.map { .init(x: Double($0), kind: "checkpoint") }
        + runs[0].resumes.map { .init(x: Double($0), kind: "resume") }
    }
    return chart
  }

  private func chart(
    _ title: String, fromZero: Bool = false, _ value: (RunRecord.TrainingPoint) -> Double?
  ) -> LineChart {
    LineChart(
      title: title,
      series: runs.enumerated().map { index, run in
        .init(name: "", points: points(run, value), style: .line, color: index)
      }, fromZero: fromZero)
  }

  private var gradientNorm: LineChart {
    var chart = chart("Gradient norm", fromZero: true, \.gradientNorm)
    let clips = Set(
      runs.compactMap { $0.setting("max_grad_norm").flatMap(Double.init) }.filter { $0 > 0 })
    if clips.count == 1, let clip = clips.first, runs.contains(where: { !$0.training.isEmpty }) {
      let highest = runs.flatMap { $0.training.compactMap(\.gradientNorm) }.max() ?? 0
      let name = "clipped to \(NumberText.short(clip))"
      // A limit far above every norm would press the curve flat.
      if clip <= 3 * highest { chart.levels = [.init(y: clip, name: name)] }
    }
    return chart
  }

  var markup: Markup {
    guard runs.contains(where: { !$0.training.isEmpty || !$0.validation.isEmpty }) else {
      return ""
    }
    let small = [
      chart("Learning rate", fromZero: true, \.learningRate), gradientNorm,
      chart("Tokens per second", fromZero: true, \.tokensPerSecond),
    ]
    return """
      <section><h2>Training</h2>
      \(loss.markup)<div class="small">\(small.map(\.markup))</div>
      <p class="note">Tokens per second: between two lines of the log, with the saves and validations there.</p>
      \(runs.count == 1 ? time(runs[0]) : "")</section>

      """
  }

  /// Where the root's time went, as one bar.
  private func time(_ run: RunRecord) -> Markup {
    let total = run.times.reduce(0) { $0 + $1.seconds }
    guard total > 0 else { return "" }
    let shares = run.times.enumerated().map {
      ($0.offset, $0.element.name, $0.element.seconds / total)
    }
    let bars = shares.map { index, name, share -> Markup in
      """
      <i class="c\(index % 6)" style="width:\(Console.fixed(100 * share, 2))%" \
      title="\(name) \(NumberText.percent(share))"></i>
      """
    }
    let keys = shares.map { index, name, share -> Markup in
      "<span class=\"key swatch c\(index % 6)\">\(name) \(NumberText.percent(share))</span>"
    }
    return """
      <figure class="time"><figcaption>Where the first rank’s \(MetricsLog.clock(total)) of steps went\
      <span class="legend">\(keys)</span></figcaption><div class="stack">\(bars)</div></figure>

      """
  }
}
