internal import Model

/// Held-out questions that are almost the same as one that is trained on.
package enum NearDuplicates {
  package struct Pair: Sendable, Equatable {
    /// Indices into the data set.
    package let heldOut: Int, train: Int
    /// Common words over all words of both (Jaccard, 1901).
    package let similarity: Double
  }
  package static let threshold = 0.8

  /// Every held-out question with its most similar training question, where that is similar enough; most similar first.
  ///
  /// Two sets with a Jaccard index of at least t share one of the n - ceil(t n) + 1 rarest words of each, so only
  /// questions that share such a word are compared.
  /// Source: Bayardo et al., Scaling up all pairs similarity search, 2007.
  package static func find(heldOut: [Question], train: [Question]) -> [Pair] {
    let trained = train.map { Set(Words.of($0.query)) }
    var frequency: [String: Int] = [:]
    for words in trained { for word in words { frequency[word, default: 0] += 1 } }
    func rarest(_ words: Set<String>) -> ArraySlice<String> {
      let sorted = words.sorted { (frequency[$0] ?? 0, $0) < (frequency[$1] ?? 0, $1) }
      return sorted.prefix(words.count - Int((threshold * Double(words.count)).rounded(.up)) + 1)
    }
    var index: [String: [Int]] = [:]
    for (position, words) in trained.enumerated() {
      for word in rarest(words) { index[word, default: []].append(position) }
    }
    return heldOut.compactMap { question in
      let words = Set(Words.of(question.query))
      var best: Pair?
      for position in Set(rarest(words).flatMap { index[$0] ?? [] }).sorted() {
        let common = words.intersection(trained[position]).count
        let similarity =
          Double(common) / Double(words.count + trained[position].count - common)
        if similarity >= threshold, similarity > best?.similarity ?? 0 {
          best = Pair(
            heldOut: question.index, train: train[position].index, similarity: similarity)
        }
      }
      return best
    }.sorted { ($1.similarity, $0.heldOut) < ($0.similarity, $1.heldOut) }
  }
}
