import DistTrain
import Testing

struct WilsonIntervalTests {
  /// SciPy 1.17.1: binomtest(correct, total).proportion_ci(method="wilson").
  @Test(arguments: [
    (50, 50, 0.9286524008666412, 1.0), (37, 50, 0.6044684273515115, 0.8412847250644762),
    (0, 10, 0.0, 0.27753279986288926), (0, 1, 0.0, 0.7934506856227626),
    (1, 1, 0.20654931437723745, 1.0), (1, 2, 0.09453120573423074, 0.9054687942657693),
    (10, 50, 0.11243750015776106, 0.33037105932225413),
    (67, 100, 0.5730534379509052, 0.7543687726587197),
    (19, 42, 0.3122339323345448, 0.6005088096526652),
    (104, 135, 0.6925305817275541, 0.8332489701444509),
    (233, 500, 0.4227007774569098, 0.5098176776944757),
    (9999, 10000, 0.9994337311025987, 0.9999823473263989),
  ])
  func `the interval is the score interval`(correct: Int, total: Int, low: Double, high: Double) {
    let interval = WilsonInterval(correct: correct, of: total)
    #expect(abs(interval.low - low) < 1e-12, "\(interval.low)")
    #expect(abs(interval.high - high) < 1e-12, "\(interval.high)")
  }

  @Test func `nothing measured says nothing`() {
    #expect(WilsonInterval(correct: 0, of: 0).low == 0)
    #expect(WilsonInterval(correct: 0, of: 0).high == 1)
  }

  @Test func `the interval holds its proportion and mirrors`() {
    for total in [1, 2, 7, 50, 333] {
      for correct in 0...total {
        let interval = WilsonInterval(correct: correct, of: total)
        let mirror = WilsonInterval(correct: total - correct, of: total)
        let share = Double(correct) / Double(total)
        #expect(interval.low <= share + 1e-15 && share <= interval.high + 1e-15)
        #expect(interval.low >= 0 && interval.high <= 1)
        #expect(abs(interval.low - (1 - mirror.high)) < 1e-12)
      }
    }
  }
}
