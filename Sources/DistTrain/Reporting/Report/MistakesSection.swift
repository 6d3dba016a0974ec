internal import Model

/// Every wrong answer with its options and what the model gave each.
struct MistakesSection {
  let score: ScoreRecord

  var markup: Markup {
    // The surest ones first; equals in the order of the file.
    let mistakes = score.mistakes.enumerated().sorted {
      let (left, right) = (Self.confidence($0.element), Self.confidence($1.element))
      return left == right ? $0.offset < $1.offset : left > right
    }.map(\.element)
    guard !score.answers.isEmpty else { return "" }
    guard !mistakes.isEmpty else {
      return """
        <section><h2>Wrong answers</h2><p>None of \(score.answers.count).</p></section>

        """
    }
    return """
      <section><h2>Wrong answers <small>\(mistakes.count) of \(score.answers.count), the surest first</small></h2>
      <div class="mistakes">
      \(mistakes.map(Self.item))</div></section>

      """
  }

  private static func confidence(_ answer: ScoreRecord.Answer) -> Double {
    guard let picked = answer.picked, !answer.probabilities.isEmpty else { return 0 }
    return answer.probabilities[picked]
  }

  private static func item(_ answer: ScoreRecord.Answer) -> Markup {
    let number: Markup = answer.index.map { "<span class=\"number\">\($0)</span>" } ?? ""
    let types = answer.types.map { "<span class=\"type\">\($0)</span>" as Markup }
    let generated: Markup =
      answer.generated.map { "<p class=\"generated\">The model wrote: <q>\($0)</q></p>" } ?? ""
    return """
      <article><h3>\(number)<bdi>\(answer.question)</bdi>\(types)</h3>
      <ol>\(answer.options.indices.map { option($0, of: answer) })</ol>\(generated)</article>

      """
  }

  private static func option(_ index: Int, of answer: ScoreRecord.Answer) -> Markup {
    let (isRight, isPicked) = (index == answer.right, index == answer.picked)
    let mark: Markup =
      isRight ? "<b class=\"mark\">right</b>" : isPicked ? "<b class=\"mark\">picked</b>" : ""
    let share = answer.probabilities.isEmpty ? nil : answer.probabilities[index]
    let figure: Markup =
      share.map { "<span class=\"share\">\(NumberText.percent($0))</span>" } ?? ""
    let width = Console.fixed(100 * min(1, max(0, share ?? 0)), 1)
    let kind = isRight ? "right" : isPicked ? "picked" : "other"
    return """
      <li class="\(kind)" style="--share:\(width)%"><span class="letter">\(letter(index))</span>\
      <bdi>\(answer.options[index])</bdi>\(mark)\(figure)</li>

      """
  }
}
