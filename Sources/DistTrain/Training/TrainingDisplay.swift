internal import Model

/// What a person sees of the steps: the table, the live line, and once how long it will take.
struct TrainingDisplay {
  var table: LogTable
  private(set) var pace = Pace()
  private let totalSteps: Int
  private var lastStep = ContinuousClock.now
  private var hasToldTime = false
  /// Seconds after which the time is told, so that it rests on more than a moment.
  private static let secondsUntilTold = 3.0

  init(totalSteps: Int) {
    self.totalSteps = totalSteps
    table = LogTable(totalSteps: totalSteps, terminal: Console.terminal)
  }

  /// The first step begins.
  mutating func begin() { lastStep = .now }

  /// A step has ended.
  mutating func count(tokens: Int) {
    pace.count(tokens: tokens, seconds: lastStep.secondsToNow)
    lastStep = .now
  }

  /// Steps are so rare that the line of each must be drawn.
  var hasLongSteps: Bool { pace.secondsPerStep.map { $0 >= 0.5 } ?? true }

  func remaining(after step: Int) -> Double? { pace.seconds(ofSteps: totalSteps - step) }

  /// Once, after at least two steps: how long a step takes, and with it the rest of the run.
  mutating func expectedTime(after step: Int) -> String? {
    guard !hasToldTime, pace.steps > 1, pace.elapsed >= Self.secondsUntilTold, step < totalSteps,
      let perStep = pace.secondsPerStep, let rest = remaining(after: step)
    else { return nil }
    hasToldTime = true
    return
      "time       about \(Plan.duration(rest)) for what is left, \(Console.grouped(totalSteps - step)) of \(Console.grouped(totalSteps)) steps,"
      + " \(Console.fixed(perStep, perStep < 10 ? 2 : 0)) s each as measured"
  }

  /// The live line after `step`.
  func line(step: Int, loss: Double) -> ProgressLine {
    ProgressLine(
      done: step, total: totalSteps, loss: loss, tokensPerSecond: pace.tokensPerSecond,
      elapsed: pace.elapsed, remaining: remaining(after: step))
  }
}
