import DistTrain
import Foundation
import TestSupport
import Testing

struct BinomialTailTests {
  /// scipy.stats.binom.sf(correct - 1, total, chance)
  @Test(arguments: [
    (122, 500, 0.2, 0.009244224646126635), (500, 500, 0.2, 0), (10, 50, 0.2, 0.5562595867082483),
    (1, 3, 0.25, 0.578125), (0, 7, 0.2, 1), (60, 200, 0.2, 0.0004976948553753553),
  ])
  func `is SciPy's`(correct: Int, total: Int, chance: Double, expected: Double) {
    let p = BinomialTail.atLeast(correct, of: total, chance: chance)
    #expect(abs(p - expected) <= 1e-10 * expected, "\(p)")
    let chances = [Double](repeating: chance, count: total)
    #expect(BinomialTail.atLeast(correct, chances: chances) == p)
  }

  @Test func `questions with different chances give the distribution of their sum`() {
    // (1 - 0.5)(1 - 0.25) = 0.375 have none right, 0.5 * 0.25 = 0.125 both.
    #expect(abs(BinomialTail.atLeast(1, chances: [0.5, 0.25]) - 0.625) < 1e-15)
    #expect(abs(BinomialTail.atLeast(2, chances: [0.5, 0.25]) - 0.125) < 1e-15)
    #expect(BinomialTail.atLeast(3, chances: [0.5, 0.25]) == 0)
  }

  @Test func `many questions have the normal approximation`() {
    let chances = (0..<20000).map { $0 % 2 == 0 ? 0.2 : 0.25 }
    // scipy.stats.norm.sf(4599.5, 4500, sqrt(sum(p (1 - p))))
    #expect(abs(BinomialTail.atLeast(4600, chances: chances) / 0.0457156 - 1) < 0.01)
  }
}

struct CalibrationTests {
  @Test func `each answer counts in the bin of its confidence`() throws {
    let calibration = Calibration([
      (1.0, true), (0.95, false), (0.9, true), (0.05, false), (0.0, false), (0.31, true),
    ])
    #expect(calibration.bins.count == 10)
    #expect(calibration.bins.map(\.count) == [2, 0, 0, 1, 0, 0, 0, 0, 1, 2])
    #expect(calibration.bins[9].accuracy == 0.5 && calibration.bins[8].accuracy == 1)
    #expect(abs(calibration.bins[9].confidence - 0.975) < 1e-15)
    // (2 |0 - 0.025| + |1 - 0.31| + |1 - 0.9| + 2 |0.5 - 0.975|) / 6
    #expect(abs(calibration.expectedError - (0.05 + 0.69 + 0.1 + 0.95) / 6) < 1e-12)
  }

  @Test func `answers that are right as often as they say have no error`() {
    let answers = (0..<100).map { (confidence: 0.75, isCorrect: $0 % 4 != 0) }
    #expect(abs(Calibration(answers).expectedError) < 1e-12)
  }
}

struct GeneratedLetterTests {
  @Test(arguments: [
    ("B", 1), (" C)", 2), ("**D**", 3), ("(E) soup", 4), ("A", 0), ("A) a soup", 0), ("A. Soup", 0),
    ("B because A is cold", 1), ("The answer is C.", 2), ("The answer is: **D**", 3),
    ("Answer: B", 1), ("I would pick option E", 4), ("A good choice is B", 1),
    ("\n\nC\n\nThe soup", 2), ("Soup, so D", 3), ("\"B\"", 1), ("A", 0), ("A\n", 0),
  ])
  func `finds the letter that is meant`(text: String, expected: Int) {
    #expect(GeneratedLetter.position(in: text, of: 5) == expected)
  }

  @Test(arguments: [
    "", "The best one", "a", "b)", "F", "Soup", "A good soup", "both B and C", "B or C", "ABC",
    "I don't know",
    "Both are: B, D", "Ä", "В" /* Cyrillic */, "7", "))",
  ])
  func `finds none where none is named, or several`(text: String) {
    #expect(GeneratedLetter.position(in: text, of: 5) == nil)
  }

  @Test func `knows only the letters of the question`() {
    #expect(GeneratedLetter.position(in: "C", of: 2) == nil)
    #expect(GeneratedLetter.position(in: "F", of: 6) == 5)
  }
}
