/// What was picked, and how sure the model was.
struct PicksSection {
  let score: ScoreRecord

  var markup: Markup {
    guard !score.answers.isEmpty || !score.bins.isEmpty else { return "" }
    let chart = LetterChart(score: score)
    let letters = score.answers.isEmpty ? "" : chart.histogram + chart.matrix
    let reliability = score.bins.isEmpty ? "" : ReliabilityChart(bins: score.bins).markup
    return """
      <section><h2>Letters and confidence</h2>
      <div class="picks">\(letters)\(reliability)</div>
      \(error)</section>

      """
  }

  private var error: Markup {
    guard let error = score.expectedCalibrationError else { return "" }
    return """
      <p class="note">Expected calibration error \(NumberText.percent(error)): by so much confidence and accuracy \
      differ on average over ten bins.</p>

      """
  }
}
