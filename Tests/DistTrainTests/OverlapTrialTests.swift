import DistTrain
import Testing

struct OverlapTrialTests {
  /// What each step was asked to do where those with and without an overlap take so long.
  private func choices(_ choice: OverlapTrial.Choice, with: Double, without: Double) -> [Bool] {
    var trial = OverlapTrial(choice)
    return (0..<8).map { step in
      let overlaps = trial.overlaps
      // The first step is slow for other reasons, and windows have different numbers of tokens.
      let tokens = 100 + 10 * step
      let seconds = step == 0 ? 50 : (overlaps ? with : without) * Double(tokens)
      trial.record(seconds: seconds, tokens: tokens)
      return overlaps
    }
  }

  @Test func `the faster way is kept`() {
    let trial = [false, false, false, true, true]
    #expect(choices(.auto, with: 0.9, without: 1) == trial + [true, true, true])
    #expect(choices(.auto, with: 1.1, without: 1) == trial + [false, false, false])
  }

  @Test func `what was decided by the user is not tried`() {
    #expect(choices(.always, with: 2, without: 1).allSatisfy { $0 })
    #expect(choices(.never, with: 1, without: 2).allSatisfy { !$0 })
  }
}
