/// How long the examples are: a bar of text for each range of token counts.
package struct LengthHistogram: Sendable {
  package struct Range: Sendable, Equatable {
    package let bounds: ClosedRange<Int>
    package let count: Int
  }
  package let ranges: [Range]
  private static let most = 12, barWidth = 40

  /// Ranges of the same width, a round number, which are twelve at most.
  package init(_ lengths: [Int]) {
    guard let least = lengths.min(), let largest = lengths.max() else {
      ranges = []
      return
    }
    let width = Self.width(least, largest)
    let starts = Array(stride(from: least / width * width, through: largest, by: width))
    var counts = [Int](repeating: 0, count: starts.count)
    for length in lengths { counts[(length - starts[0]) / width] += 1 }
    ranges = zip(starts, counts).map { Range(bounds: $0...$0 + width - 1, count: $1) }
  }

  /// 1, 2, 5, 10, 20, ...
  private static func width(_ least: Int, _ largest: Int) -> Int {
    var power = 1
    while true {
      for factor in [1, 2, 5] {
        let width = factor * power
        if largest / width - least / width < most { return width }
      }
      power *= 10
    }
  }

  /// A line for each range: bounds, count, bar.
  package func lines(isUnicode: Bool) -> [String] {
    let most = max(1, ranges.map(\.count).max() ?? 1)
    let names = ranges.map {
      $0.bounds.count == 1
        ? "\($0.bounds.lowerBound)" : "\($0.bounds.lowerBound)-\($0.bounds.upperBound)"
    }
    let nameWidth = names.map(\.count).max() ?? 0
    let countWidth = String(most).count
    return zip(ranges, names).map { range, name in
      let length = Double(range.count) / Double(most) * Double(Self.barWidth)
      let width = range.count > 0 ? max(1, Int(length.rounded())) : 0
      let bar = String(repeating: isUnicode ? "\u{2588}" : "#", count: width)
      let line =
        Console.padded(name, nameWidth) + "  " + Console.padded(String(range.count), countWidth)
      return bar.isEmpty ? line : line + "  " + bar
    }
  }
}
