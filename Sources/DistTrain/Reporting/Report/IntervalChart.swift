/// A share with its interval on a scale from 0 to 100 %, row by row.
struct IntervalChart {
  struct Row {
    let name: String
    let tally: EvaluationResult.Tally
    /// Which of the page's colours.
    var color = 0
    var isOverall = false
  }
  /// What is too few to say anything of.
  static let fewest = 20

  let rows: [Row]
  let chance: Double?
  /// A hollow dot beside the first row's, with its name.
  var before: EvaluationResult.Tally?

  var markup: Markup {
    """
    <div class="intervals" role="table">
    \(rows.enumerated().map { line($0.element, before: $0.offset == 0 ? before : nil) })\
    <div class="scale" aria-hidden="true"><span></span>\
    <span class="track">\([0, 25, 50, 75, 100].map(Self.label))</span><span></span></div>
    </div>

    """
  }

  private static func label(_ percent: Int) -> Markup {
    "<i style=\"left:\(percent)%\">\(percent)</i>"
  }

  private static func place(_ share: Double) -> String { Console.fixed(100 * share, 2) + "%" }

  private func line(_ row: Row, before: EvaluationResult.Tally?) -> Markup {
    let isFew = row.tally.total < Self.fewest
    let classes = (row.isOverall ? " overall" : "") + (isFew ? " few" : "")
    let chanceLine: Markup =
      chance.map { "<i class=\"chance\" style=\"left:\(Self.place($0))\"></i>" } ?? ""
    return """
      <div class="row c\(row.color % 6)\(classes)" role="row"><span class="name" role="rowheader">\(row.name)</span>\
      <span class="track" role="cell">\(chanceLine)\(Self.bar(row.tally))\(Self.hollow(before))</span>\
      <span class="figures" role="cell">\(Self.figures(row.tally, isFew: isFew))</span></div>

      """
  }

  private static func bar(_ tally: EvaluationResult.Tally) -> Markup {
    guard tally.total > 0 else { return "" }
    let (low, high) = (tally.interval.low, tally.interval.high)
    return """
      <i class="bar" style="left:\(place(low));width:\(place(high - low))"></i>\
      <i class="dot" style="left:\(place(tally.share))"></i>
      """
  }

  private static func hollow(_ tally: EvaluationResult.Tally?) -> Markup {
    guard let tally, tally.total > 0 else { return "" }
    let title = "before training \(NumberText.percent(tally.share))"
    return "<i class=\"dot hollow\" style=\"left:\(place(tally.share))\" title=\"\(title)\"></i>"
  }

  private static func figures(_ tally: EvaluationResult.Tally, isFew: Bool) -> Markup {
    guard tally.total > 0 else { return "<small>no questions</small>" }
    let few: Markup = isFew ? "<small>too few to say anything</small>" : ""
    return """
      <b>\(NumberText.percent(tally.share))</b> <span>\(NumberText.interval(tally.interval))</span> \
      <span>n = \(tally.total)</span>\(few)
      """
  }
}
