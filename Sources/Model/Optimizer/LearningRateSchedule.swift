internal import Glibc

/// The learning rate as a pure function of the number of updates already made.
///
/// With k updates made, W warmup steps and T steps in all: k / W while k < W; then 1 (constant),
/// (T - k) / (T - W) (linear), or (1 + cos(pi (k - W) / (T - W))) / 2 (cosine). Source: transformers' `optimization.py`.
package struct LearningRateSchedule: Sendable, Equatable {
  package enum Shape: String, Sendable, CaseIterable { case linear, cosine, constant }
  package let shape: Shape
  package let peak: Double
  package let warmupSteps: Int, totalSteps: Int

  package init(shape: Shape, peak: Double, warmupSteps: Int, totalSteps: Int) {
    self.shape = shape
    self.peak = peak
    self.warmupSteps = warmupSteps
    self.totalSteps = totalSteps
  }

  /// The rate of update number `step`, counted from 1.
  package func learningRate(ofStep step: Int) -> Double {
    let done = step - 1
    if done < warmupSteps { return peak * Double(done) / Double(max(1, warmupSteps)) }
    let span = Double(max(1, totalSteps - warmupSteps))
    switch shape {
    case .constant: return peak
    case .linear: return peak * max(0, Double(totalSteps - done) / span)
    case .cosine:
      return peak * max(0, 0.5 * (1 + cos(Double.pi * Double(done - warmupSteps) / span)))
    }
  }
}
