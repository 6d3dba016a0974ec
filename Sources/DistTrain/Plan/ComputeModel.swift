/// How long the work of one rank takes.
package struct ComputeModel: Sendable, Equatable {
  /// A measured micro-batch.
  package struct Point: Sendable, Equatable, Codable {
    package let tokens: Int
    package let seconds: Double

    package init(tokens: Int, seconds: Double) {
      self.tokens = tokens
      self.seconds = seconds
    }
  }
  /// Forward and backward of a micro-batch: secondsPerMicroBatch + secondsPerToken x tokens.
  package let secondsPerMicroBatch: Double, secondsPerToken: Double
  /// Of a micro-batch: emptying the gradient arena and adding it to the exact sum.
  package let addSeconds: Double
  /// Of a step: emptying and reading the exact sum; norm and AdamW.
  package let writeSeconds: Double, updateSeconds: Double

  package init(
    secondsPerMicroBatch: Double, secondsPerToken: Double, addSeconds: Double, writeSeconds: Double,
    updateSeconds: Double
  ) {
    self.secondsPerMicroBatch = secondsPerMicroBatch
    self.secondsPerToken = secondsPerToken
    self.addSeconds = addSeconds
    self.writeSeconds = writeSeconds
    self.updateSeconds = updateSeconds
  }

  /// The line of least squares through the points; through the origin where it would not rise or would begin below it.
  package init(
    fitting points: [Point], addSeconds: Double, writeSeconds: Double, updateSeconds: Double
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
      secondsPerMicroBatch: rises ? start : 0,
      secondsPerToken: rises ? slope : meanSeconds / meanTokens, addSeconds: addSeconds,
      writeSeconds: writeSeconds, updateSeconds: updateSeconds)
  }

  package func seconds(tokens: Int) -> Double {
    secondsPerMicroBatch + secondsPerToken * Double(tokens)
  }
}

extension Double {
  fileprivate var squared: Double { self * self }
}
