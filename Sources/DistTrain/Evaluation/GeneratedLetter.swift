/// Finds the letter that a generated answer names.
package enum GeneratedLetter {
  /// The position of the letter among `count` letters; nil where the text names none, or several.
  ///
  /// In this order: a letter at the start, such as "B", "(B)", "**B**" or "B) soup"; a letter after "answer is", "answer:"
  /// or "option"; the only letter that stands alone. An "A" before a word in small letters is the article.
  package static func position(in text: String, of count: Int) -> Int? {
    let words = text.split { !($0.isLetter || $0.isNumber || $0 == "'" || $0 == "’") }
    let letters = words.indices.map { index in Self.letter(words, index, text, count) }
    let second = words.dropFirst().first?.lowercased()
    if let first = letters.first ?? nil, startsAlone(words[0], text), second != "or",
      second != "and"
    {
      return first
    }
    for index in words.indices.dropFirst() {
      guard let found = letters[index] else { continue }
      let before = words[..<index].suffix(2).map { $0.lowercased() }
      let namesIt =
        ["answer", "option", "choice", "letter"].contains(before.last)
        || before.last == "is" && before.first == "answer"
      if namesIt { return found }
    }
    let alone = Set(letters.compactMap { $0 })
    return alone.count == 1 ? alone.first : nil
  }

  /// The letter that word `index` is, if it is one.
  private static func letter(
    _ words: [Substring], _ index: Int, _ text: String, _ count: Int
  ) -> Int? {
    let word = words[index]
    guard word.unicodeScalars.count == 1, let scalar = word.unicodeScalars.first, scalar.isASCII,
      scalar.value >= 65, scalar.value < 65 + UInt32(count)
    else { return nil }
    let position = Int(scalar.value) - 65
    guard position == 0, index + 1 < words.count else { return position }
    let between = text[word.endIndex..<words[index + 1].startIndex]
    let isArticle = between == " " && words[index + 1].first?.isLowercase == true
    return isArticle ? nil : position
  }

  /// Whether nothing but space, quotes, brackets and emphasis stands before the first word.
  private static func startsAlone(_ word: Substring, _ text: String) -> Bool {
    text[..<word.startIndex].allSatisfy { $0.isWhitespace || "([{\"'“‘*_`#<".contains($0) }
  }
}
