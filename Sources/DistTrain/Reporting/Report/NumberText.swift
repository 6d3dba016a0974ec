internal import Foundation

/// Numbers as the report shows them.
enum NumberText {
  /// A share from 0 to 1 as percent.
  static func percent(_ share: Double, digits: Int = 1) -> String {
    Console.fixed(100 * share, digits) + " %"
  }

  /// Mean and population deviation in percent.
  static func deviating(_ folds: ScoreRecord.Folds) -> String {
    "\(Console.fixed(100 * folds.mean, 1)) ± \(percent(folds.populationDeviation))"
  }

  static func interval(_ interval: WilsonInterval) -> String {
    "\(Console.fixed(100 * interval.low, 1))–\(Console.fixed(100 * interval.high, 1)) %"
  }

  /// Four significant digits or all before the point, with a power of ten only where there are many zeros.
  static func short(_ value: Double) -> String {
    if value != 0, abs(value) < 1e-3 || abs(value) >= 1e6 { return String(format: "%.3g", value) }
    if abs(value) >= 1000, value == value.rounded() { return Console.grouped(Int(value)) }
    return abs(value) >= 1000 ? Console.fixed(value, 0) : String(format: "%.4g", value)
  }

  /// A p-value, never as nought.
  static func probability(_ value: Double) -> String {
    if value < 1e-300 { return "< 1e-300" }
    return value < 1e-3 ? String(format: "%.1e", value) : Console.fixed(value, 3)
  }

  static func grouped(_ value: Double) -> String {
    abs(value) < 1e15 ? Console.grouped(Int(value.rounded())) : short(value)
  }
}

/// The range of an axis and where its labels stand, at round numbers.
struct Axis {
  let low: Double, high: Double
  let ticks: [Double]

  /// An axis that holds all of `values`; with nought where it is not far away, relative to their spread.
  init(holding values: some Sequence<Double>, count: Int = 5, fromZero: Bool = false) {
    let finite = values.filter { abs($0) < 1e100 }.map { abs($0) < 1e-100 ? 0 : $0 }
    var (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
    if fromZero || (low > 0 && low < 0.3 * high) { low = min(low, 0) }
    if high - low < 1e-12 * max(abs(high), 1e-300) {
      let room = high == 0 ? 1 : abs(high) * 0.1
      (low, high) = (fromZero && low == 0 ? 0 : low - room, high + room)
    }
    let step = Self.round((high - low) / Double(count))
    self.low = (low / step + 1e-9).rounded(.down) * step
    self.high = (high / step - 1e-9).rounded(.up) * step
    let (start, steps) = (self.low, Int(((self.high - self.low) / step).rounded()))
    ticks = (0...max(1, min(steps, 50))).map { start + Double($0) * step }
  }

  /// An axis with its ends and ticks as given.
  init(from low: Double, to high: Double, ticks: [Double]) {
    (self.low, self.high, self.ticks) = (low, high, ticks)
  }

  /// The smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is not below `step`.
  private static func round(_ step: Double) -> Double {
    let power = pow(10, log10(step).rounded(.down))
    let factor = [1, 2, 2.5, 5].first { $0 * power >= step * 0.999_999 } ?? 10
    return factor * power
  }

  /// Where `value` lies, from 0 at the low end to 1.
  func position(_ value: Double) -> Double { (value - low) / (high - low) }

  func label(_ value: Double) -> String {
    abs(value) < 1e-9 * (high - low) ? "0" : NumberText.short(value)
  }
}

extension LineChart.Series {
  /// exp(-x^2 / 2).
  static func bell(_ x: Double) -> Double { exp(-x * x / 2) }
}
