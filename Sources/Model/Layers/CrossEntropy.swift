internal import Glibc
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

  /// Columns of logits that are made and looked at together, while they lie in the cache.
  package func panelRows(_ precision: Precision) -> Int {
    min(head.weight.panelRows(precision), Self.largestPanel)
  }

  static func panelRows(
    _ rows: Int, _ columns: Int, _ precision: Precision, _ isAsItLies: Bool
  ) -> Int {
    min(WeightMatrix.panelRows(rows, columns, precision, isAsItLies), largestPanel)
  }
  /// Whole blocks of a product, and no power of two: rows a page apart would share few places of the cache.
  private static let largestPanel = 960

  /// Floats from one kept row of logits to the next, an odd number of cache lines for the same reason.
  package static func logitStride(_ vocabularySize: Int) -> Int {
    ((vocabularySize + 15) / 16 | 1) * 16
  }

  private func chunks(_ count: Int) -> StrideTo<Int> { stride(from: 0, to: count, by: chunkRows) }

  private func panels(_ precision: Precision) -> StrideTo<Int> {
    stride(from: 0, to: vocabularySize, by: panelRows(precision))
  }

  /// Returns log softmax(x W^T)[target] of each row; x: [targets, hidden].
  package func logProbabilities(
    _ x: MatrixView, targets: [Int32], scratch: borrowing Scratch
  ) -> [Float] {
    var result = [Float](repeating: 0, count: x.rows)
    let precision = scratch.products.precision
    for start in chunks(x.rows) {
      let chunk = start..<min(start + chunkRows, x.rows)
      let input = scratch.products.operand(x.rows(chunk), in: .first)
      let sums = emptySums(chunk.count, scratch)
      for first in panels(precision) {
        let panel = first..<min(first + panelRows(precision), vocabularySize)
        let logits = scratch.logits.matrix(chunk.count, panel.count)
        scratch.products.multiply(input, transposed: head.weight, rows: panel, into: logits)
        add(logits, to: sums)
        for (index, row) in chunk.enumerated() where panel.contains(Int(targets[row])) {
          result[row] = logits[index, Int(targets[row]) - first]
        }
      }
      for (index, row) in chunk.enumerated() { result[row] -= sums[index, 0] + log(sums[index, 1]) }
    }
    return result
  }

  /// Returns the token with the largest logit of each row, the first of equals; x: [targets, hidden].
  package func mostProbable(_ x: MatrixView, scratch: borrowing Scratch) -> [Int32] {
    var best = [(logit: Float, token: Int32)](repeating: (-.infinity, 0), count: x.rows)
    let precision = scratch.products.precision
    for start in chunks(x.rows) {
      let chunk = start..<min(start + chunkRows, x.rows)
      let input = scratch.products.operand(x.rows(chunk), in: .first)
      for first in panels(precision) {
        let panel = first..<min(first + panelRows(precision), vocabularySize)
        let logits = scratch.logits.matrix(chunk.count, panel.count)
        scratch.products.multiply(input, transposed: head.weight, rows: panel, into: logits)
        for (index, row) in chunk.enumerated() {
          for column in 0..<panel.count where logits[index, column] > best[row].logit {
            best[row] = (logits[index, column], Int32(first + column))
          }
        }
      }
    }
    return best.map(\.token)
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
    for start in chunks(x.rows) {
      let chunk = start..<min(start + chunkRows, x.rows)
      let logits = scratch.logits.matrix(chunk.count, Self.logitStride(vocabularySize))
        .columns(0..<vocabularySize)
      let sums = forward(x.rows(chunk), into: logits, scratch: scratch)
      for (index, row) in chunk.enumerated() {
        sums[index, 0] += log(sums[index, 1])
        lossSum += Double(sums[index, 0] - logits[index, Int(targets[row])])
      }
      backward(
        logits.view, logSumExp: sums.view, targets: targets[chunk], into: dx.rows(chunk),
        scratch: scratch)
    }
    return lossSum
  }

  /// logits = x W^T; returns the largest logit of each row and the sum of exp(logit - largest): [targets, 2].
  @_lifetime(borrow scratch)
  private func forward(
    _ x: MatrixView, into logits: MutableMatrixView, scratch: borrowing Scratch
  ) -> MutableMatrixView {
    let input = scratch.products.operand(x, in: .first)
    let sums = emptySums(x.rows, scratch)
    let step = panelRows(scratch.products.precision)
    for first in panels(scratch.products.precision) {
      let panel = first..<min(first + step, vocabularySize)
      scratch.products.multiply(
        input, transposed: head.weight, rows: panel, into: logits.columns(panel))
      add(logits.columns(panel), to: sums)
    }
    return sums
  }

  /// dx = (softmax(logits) - onehot(target)) W, with the probabilities of one panel at a time in `scratch.probabilities`.
  private func backward(
    _ logits: MatrixView, logSumExp: MatrixView, targets: ArraySlice<Int32>,
    into dx: MutableMatrixView, scratch: borrowing Scratch
  ) {
    dx.zero()
    let step = panelRows(scratch.products.precision)
    for first in panels(scratch.products.precision) {
      let panel = first..<min(first + step, vocabularySize)
      let dLogits = scratch.probabilities.matrix(logits.rows, panel.count)
      for row in 0..<logits.rows {
        unsafe vk_exp_shifted(
          logits.base + row * logits.stride + first, logSumExp[row, 0],
          dLogits.base + row * dLogits.stride, panel.count)
        let target = Int(targets[targets.startIndex + row])
        if panel.contains(target) { dLogits[row, target - first] -= 1 }
      }
      let gradient = scratch.products.operand(dLogits.view, in: .first)
      scratch.products.multiply(gradient, head.weight, rows: panel, accumulatingInto: dx)
    }
  }

  @_lifetime(borrow scratch)
  private func emptySums(_ rows: Int, _ scratch: borrowing Scratch) -> MutableMatrixView {
    let sums = scratch.logSumExp.matrix(rows, 2)
    for row in 0..<rows { (sums[row, 0], sums[row, 1]) = (-.infinity, 0) }
    return sums
  }

  private func add(_ logits: MutableMatrixView, to sums: MutableMatrixView) {
    for row in 0..<logits.rows {
      let sum = unsafe sums.base + row * sums.stride
      unsafe vk_log_sum_exp_add(logits.base + row * logits.stride, logits.columns, sum, sum + 1)
    }
  }
}
