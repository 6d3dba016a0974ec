/// How fast the steps of this process go, validation and checkpoints between them included.
package struct Pace: Sendable {
  private var recent: [(tokens: Int, seconds: Double)] = []
  /// Steps counted, and their seconds.
  package private(set) var steps = 0
  package private(set) var elapsed = 0.0
  private static let window = 20

  package init() { recent.reserveCapacity(Self.window) }

  /// Takes up a step that ended `seconds` after the one before.
  ///
  /// The first step brings the weights into memory, so it counts only until there is another.
  package mutating func count(tokens: Int, seconds: Double) {
    if steps == 1 { recent.removeAll(keepingCapacity: true) }
    steps += 1
    elapsed += seconds
    if recent.count == Self.window { recent.removeFirst() }
    recent.append((tokens, seconds))
  }

  /// The mean of the last steps.
  package var secondsPerStep: Double? {
    recent.isEmpty ? nil : recent.reduce(0) { $0 + $1.seconds } / Double(recent.count)
  }

  package var tokensPerSecond: Double? {
    let seconds = recent.reduce(0) { $0 + $1.seconds }
    return seconds > 0 ? Double(recent.reduce(0) { $0 + $1.tokens }) / seconds : nil
  }

  /// Seconds of so many further steps; nil before the first one has ended.
  package func seconds(ofSteps count: Int) -> Double? {
    secondsPerStep.map { $0 * Double(max(0, count)) }
  }
}
