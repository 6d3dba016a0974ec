import DistTrain
import Testing

struct McNemarTests {
  /// SciPy 1.17.1, binomtest(min(b, c), b + c, 0.5).pvalue; statsmodels 0.15.0, mcnemar(exact=True), gives the same.
  @Test(arguments: [
    (0, 0, 1.0), (1, 0, 1.0), (0, 1, 1.0), (5, 0, 0.0625), (3, 3, 1.0), (4, 3, 1.0),
    (9, 2, 0.0654296875), (2, 9, 0.0654296875), (25, 10, 0.016673847800120715),
    (31, 14, 0.016094360031274842), (121, 59, 4.4344492637551645e-06),
    (500, 400, 0.0009564441369189373), (1, 60, 5.377642775528102e-17),
    (5100, 4900, 0.04658552770494645), (100_500, 99_500, 0.025493890666946083),
    (0, 1000, 1.8665272370064378e-301), (10, 1200, 0.0), (500_000, 499_000, 0.317552599673747),
  ])
  func `the p-value is the exact binomial one`(first: Int, second: Int, expected: Double) {
    let found = McNemar(onlyFirst: first, onlySecond: second).pValue
    #expect(abs(found - expected) <= 1e-9 * expected, "\(found)")
  }

  @Test func `only questions that one run alone has right count`() {
    let answers = [(true, true), (true, false), (false, false), (true, false), (false, true)]
    let test = McNemar(answers.map { (first: $0.0, second: $0.1) })
    #expect(test == McNemar(onlyFirst: 2, onlySecond: 1))
  }

  @Test func `the order of the runs does not matter, and p never passes one`() {
    for first in 0..<40 {
      for second in 0..<40 {
        let value = McNemar(onlyFirst: first, onlySecond: second).pValue
        #expect(value > 0 && value <= 1)
        #expect(value == McNemar(onlyFirst: second, onlySecond: first).pValue)
      }
    }
  }
}
