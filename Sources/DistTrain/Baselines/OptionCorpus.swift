internal import Foundation

/// Option texts as documents, each text once, and how many of them have a word.
package struct OptionCorpus: Sendable {
  package private(set) var documentCount = 0
  /// Words of all documents, repeated ones as often as they stand there.
  package private(set) var wordCount = 0
  private var keys: Set<String> = []
  private var frequencies: [String: Int] = [:]

  package init(_ options: [Question.Option] = []) { for option in options { add(option) } }

  private mutating func add(_ option: Question.Option) {
    guard keys.insert(option.key).inserted else { return }
    let words = Words.of(option.text)
    documentCount += 1
    wordCount += words.count
    for word in Set(words) { frequencies[word, default: 0] += 1 }
  }

  func frequency(_ word: String) -> Int { frequencies[word] ?? 0 }

  /// The corpus of those of `options` that are not in this one.
  func missing(_ options: [Question.Option]) -> OptionCorpus {
    OptionCorpus(options.filter { !keys.contains($0.key) })
  }
}

/// How well option texts fit a question by the words that they share, rare ones counting more.
///
/// The corpus is that of `known` options (those of the training questions) and of the question's own.
package struct WordRanking: Sendable {
  private let known: OptionCorpus, own: OptionCorpus
  private let query: [String]
  private let documents: [[String]]

  package init(_ question: Question, known: OptionCorpus) {
    self.known = known
    own = known.missing(question.options)
    query = Words.of(question.query)
    documents = question.options.map { Words.of($0.text) }
  }

  private var count: Double { Double(known.documentCount + own.documentCount) }

  private func frequency(_ word: String) -> Double {
    Double(known.frequency(word) + own.frequency(word))
  }

  private static let saturation = 1.2, lengthShare = 0.75

  /// Okapi BM25 of every option, with k1 = 1.2 and b = 0.75.
  ///
  /// sum over the question's words w of idf(w) tf (k1 + 1) / (tf + k1 (1 - b + b length / mean length)), with
  /// idf(w) = ln(1 + (N - df + 1/2) / (df + 1/2)), which unlike the original's is never negative.
  /// Source: Robertson and Zaragoza, The probabilistic relevance framework: BM25 and beyond, 2009; the idf is Lucene's.
  package var bm25: [Double] {
    let mean = Double(known.wordCount + own.wordCount) / max(1, count)
    let (k1, b) = (Self.saturation, Self.lengthShare)
    return documents.map { document in
      let counts = Self.counts(document)
      let length = 1 - b + b * Double(document.count) / max(mean, .leastNormalMagnitude)
      return query.reduce(0.0) { sum, word in
        guard let count = counts[word] else { return sum }
        let frequency = frequency(word)
        let idf = log(1 + (self.count - frequency + 0.5) / (frequency + 0.5))
        return sum + idf * Double(count) * (k1 + 1) / (Double(count) + k1 * length)
      }
    }
  }

  /// The cosine of the question and every option, as vectors of tf (ln((1 + N) / (1 + df)) + 1); words that no document
  /// has are left out.
  ///
  /// Source: Salton and Buckley, Term-weighting approaches in automatic text retrieval, 1988; weights smoothed as
  /// scikit-learn's TfidfVectorizer does by default.
  package var tfIdfCosine: [Double] {
    let left = weights(query)
    return documents.map { document in
      let right = weights(document)
      let values = Dictionary(uniqueKeysWithValues: right)
      let product = left.reduce(0.0) { $0 + $1.weight * (values[$1.word] ?? 0) }
      let norms = Self.norm(left) * Self.norm(right)
      return norms > 0 ? product / norms : 0
    }
  }

  /// In the order in which the words first stand, so that sums do not depend on the order of a hash table.
  private func weights(_ words: [String]) -> [(word: String, weight: Double)] {
    let counts = Self.counts(words)
    var seen: Set<String> = []
    return words.compactMap { word in
      let frequency = frequency(word)
      guard frequency > 0, seen.insert(word).inserted else { return nil }
      let idf = log((1 + count) / (1 + frequency)) + 1
      return (word, Double(counts[word] ?? 0) * idf)
    }
  }

  private static func norm(_ weights: [(word: String, weight: Double)]) -> Double {
    weights.reduce(0.0) { $0 + $1.weight * $1.weight }.squareRoot()
  }

  private static func counts(_ words: [String]) -> [String: Int] {
    words.reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }
}
