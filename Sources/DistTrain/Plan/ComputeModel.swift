/// How long the work of one rank takes.
package struct ComputeModel: Sendable, Equatable {
  /// A measured pass.
  package struct Point: Sendable, Equatable, Codable {
    package let tokens: Int
    package let seconds: Double

    package init(tokens: Int, seconds: Double) {
      self.tokens = tokens
      self.seconds = seconds
    }
  }
  /// Forward and backward of a pass: secondsPerPass + secondsPerToken x tokens.
  package let secondsPerPass: Double, secondsPerToken: Double
  /// Of a micro-batch: adding its gradient to the exact sum.
  package let addSeconds: Double
  /// Of a step: emptying the exact sum; norm and AdamW with what it holds.
  package let resetSeconds: Double, updateSeconds: Double

  package init(
    secondsPerPass: Double, secondsPerToken: Double, addSeconds: Double, resetSeconds: Double,
    updateSeconds: Double
  ) {
    self.secondsPerPass = secondsPerPass
    self.secondsPerToken = secondsPerToken
    self.addSeconds = addSeconds
    self.resetSeconds = resetSeconds
    self.updateSeconds = updateSeconds
  }

  /// The line of least squares through the points; through the origin where it would not rise or would begin below it.
  package init(
    fitting points: [Point], addSeconds: Double, resetSeconds: Double, updateSeconds: Double
  ) {
    let count = Double(points.count)
    let meanTokens = points.reduce(0) { $0 + Double($1.tokens) } / count
    let meanSeconds = points.reduce(0) { $0 + $1.seconds } / count
    let spread = points.reduce(0) { $0 + (Double($1.tokens) - meanTokens).squared }
    let common = points.reduce(0) {
      $0 + (Double($1.tokens) - meanTokens) * ($1.seconds - meanSeconds)
    }
    let slope = spread > 0 ? common / spread : 0
    let start = meanSeconds - slope * meanTokens
    let rises = slope > 0 && start >= 0
    self.init(
      secondsPerPass: rises ? start : 0,
      secondsPerToken: rises ? slope : meanSeconds / meanTokens, addSeconds: addSeconds,
      resetSeconds: resetSeconds, updateSeconds: updateSeconds)
  }

  package func seconds(tokens: Int) -> Double {
    secondsPerPass + secondsPerToken * Double(tokens)
  }
}

extension Double {
  fileprivate var squared: Double { self * self }
}
