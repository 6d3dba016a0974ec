internal import Model

/// Which letters were right and which were picked.
struct LetterChart {
  let score: ScoreRecord

  private var letters: [String] { (0..<score.letterCount).map { letter($0) } }

  /// Two bars for each letter.
  var histogram: Markup {
    let (right, picked) = (score.rightLetters, score.pickedLetters)
    let highest = Double(max(1, (right + picked).max() ?? 1))
    let bars = letters.enumerated().map { index, letter -> Markup in
      """
      <div class="pair"><span class="bars">\(Self.bar(right[index], highest, "right"))\
      \(Self.bar(picked[index], highest, "picked"))</span><b>\(letter)</b></div>
      """
    }
    return """
      <figure class="letters"><figcaption>How often each letter is right, and is picked\
      <span class="legend"><span class="key swatch right">right</span>\
      <span class="key swatch picked">picked</span></span></figcaption>
      <div class="pairs">\(bars)</div></figure>

      """
  }

  private static func bar(_ count: Int, _ highest: Double, _ kind: String) -> Markup {
    let height = Console.fixed(100 * Double(count) / highest, 1)
    return "<i class=\"\(kind)\" style=\"height:\(height)%\"><small>\(count)</small></i>"
  }

  /// Where the right option stood, against where the picked one did.
  var matrix: Markup {
    let positions = score.positions
    let heads = letters.map { "<th scope=\"col\">\($0)</th>" as Markup }
    let rows = letters.indices.map { index -> Markup in
      let total = max(1, positions[index].reduce(0, +))
      let cells = positions[index].enumerated().map { column, count -> Markup in
        let share = Console.fixed(100 * Double(count) / Double(total), 0)
        let kind = column == index ? "hit" : "miss"
        return
          "<td class=\"\(kind)\" style=\"--share:\(share)%\">\(count == 0 ? "·" : "\(count)")</td>"
      }
      return "<tr><th scope=\"row\">\(letters[index])</th>\(cells)</tr>\n"
    }
    return """
      <figure class="matrix"><figcaption>Right letter (rows) against picked letter (columns)</figcaption>
      <table><thead><tr><td></td>\(heads)</tr></thead>
      <tbody>\(rows)</tbody></table></figure>

      """
  }
}
