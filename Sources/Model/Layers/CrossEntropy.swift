internal import VectorKernels

/// The language model head with its loss: -log softmax(x W^T)[target], over chunks of rows.
///
/// At most `chunkRows` rows of logits exist at once.
package struct CrossEntropy: Sendable {
  /// The frozen head: [vocabulary, hidden].
  package let head: Linear
  private let chunkElements: Int
  /// 64 MiB of logits.
  static let defaultChunkElements = 1 << 24

  /// - Parameter chunkElements: Logits that exist at once; one row is the least.
  package init(head: Linear, chunkElements: Int = defaultChunkElements) {
    self.head = head
    self.chunkElements = chunkElements
  }

  package var vocabularySize: Int { head.weight.rows }

  /// Rows of logits that exist at once.
  package var chunkRows: Int { max(1, chunkElements / vocabularySize) }

  private func chunks(_ count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: chunkRows).map { $0..<min($0 + chunkRows, count) }
  }

  /// Returns log softmax(x W^T)[target] of each row; x: [targets, hidden].
  package func logProbabilities(
    _ x: MatrixView, targets: [Int32], scratch: borrowing Scratch
  ) -> [Float] {
    var result: [Float] = []
    for chunk in chunks(x.rows) {
      let logits = scratch.logits.matrix(chunk.count, vocabularySize)
      head.forward(x.rows(chunk), into: logits, scratch: scratch.panel)
      for (index, row) in chunk.enumerated() {
        let sum = unsafe vk_log_sum_exp(logits.base + index * logits.stride, vocabularySize)
        result.append(logits[index, Int(targets[row])] - sum)
      }
    }
    return result
  }

  /// Returns the sum of -log softmax(x W^T)[target], and dx = (softmax(x W^T) - onehot(target)) W in the same pass.
  ///
  /// - Parameters:
  ///   - x: The normalised hidden vectors of the rows in the loss: [targets, hidden].
  ///   - dx: The gradient of the loss sum, overwritten: [targets, hidden].
  package func forwardBackward(
    _ x: MatrixView, targets: [Int32], into dx: MutableMatrixView, scratch: borrowing Scratch
  ) -> Double {
    var lossSum = 0.0
    dx.zero()
    for chunk in chunks(x.rows) {
      let logits = scratch.logits.matrix(chunk.count, vocabularySize)
      head.forward(x.rows(chunk), into: logits, scratch: scratch.panel)
      for (index, row) in chunk.enumerated() {
        let target = Int(targets[row])
        let logit = logits[index, target]
        let sum = unsafe vk_softmax(logits.base + index * logits.stride, vocabularySize)
        lossSum += Double(sum - logit)
        logits[index, target] -= 1
      }
      head.backward(logits.view, accumulatingInto: dx.rows(chunk), scratch: scratch.panel)
    }
    return lossSum
  }
}
