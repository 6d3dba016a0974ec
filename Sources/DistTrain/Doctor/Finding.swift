/// What one check of the doctor found.
package struct Finding: Sendable, Equatable {
  package enum Level: Sendable, Equatable {
    case fine
    /// Works, but not as one may expect.
    case warning
    /// Training would fail or go wrong.
    case failure
  }
  package let level: Level
  /// What was looked at, in a word or two.
  package let name: String
  package let detail: String
  /// What to do; where nothing is wrong, nil.
  package let fix: String?

  private init(_ level: Level, _ name: String, _ detail: String, fix: String?) {
    self.level = level
    self.name = name
    self.detail = detail
    self.fix = fix
  }

  package static func fine(_ name: String, _ detail: String) -> Finding {
    Finding(.fine, name, detail, fix: nil)
  }

  package static func warning(_ name: String, _ detail: String, fix: String) -> Finding {
    Finding(.warning, name, detail, fix: fix)
  }

  package static func failure(_ name: String, _ detail: String, fix: String) -> Finding {
    Finding(.failure, name, detail, fix: fix)
  }

  /// Splits a sentence of the form "what is wrong; what to do".
  package static func failure(_ name: String, sentence: String) -> Finding {
    guard let end = sentence.firstRange(of: "; ") else {
      return failure(name, sentence, fix: "see docs/scaling.md")
    }
    return failure(
      name, String(sentence[..<end.lowerBound]), fix: String(sentence[end.upperBound...]))
  }
}
