internal import Glibc
internal import VectorKernels

/// The language model head with its loss: -log softmax(x W^T)[target], over chunks of rows.
///
/// At most `chunkRows` rows of a panel of logits exist at once.
package struct CrossEntropy: Sendable {
  /// The frozen head: [vocabulary, hidden].
  package let head: Linear
  private let chunkElements: Int
  /// 4 MiB of logits: with one panel, more rows than a micro-batch usually has.
  static let defaultChunkElements = 1 << 20

  /// - Parameter chunkElements: Logits that exist at once; one row of a panel is the least.
  package init(head: Linear, chunkElements: Int = defaultChunkElements) {
    self.head = head
    self.chunkElements = chunkElements
  }

  package var vocabularySize: Int { head.weight.rows }

  /// Rows of a panel of logits that exist at once.
  package func chunkRows(_ precision: Precision) -> Int {
    Self.chunkRows(panel: panelRows(precision), elements: chunkElements)
  }

  static func chunkRows(panel: Int, elements: Int = defaultChunkElements) -> Int {
    max(1, elements / max(1, panel))
  }

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

  private func chunks(_ count: Int, _ precision: Precision) -> StrideTo<Int> {
    stride(from: 0, to: count, by: chunkRows(precision))
  }

  private func panels(_ precision: Precision) -> StrideTo<Int> {
    stride(from: 0, to: vocabularySize, by: panelRows(precision))
  }

  /// Returns log softmax(x W^T)[target] of each row; x: [targets, hidden].
  package func logProbabilities(
    _ x: MatrixView, targets: [Int32], scratch: borrowing Scratch
  ) -> [Float] {
    var result = [Float](repeating: 0, count: x.rows)
    let precision = scratch.products.precision
    for start in chunks(x.rows, precision) {
      let chunk = start..<min(start + chunkRows(precision), x.rows)
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
    for start in chunks(x.rows, precision) {
      let chunk = start..<min(start + chunkRows(precision), x.rows)
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

  /// loss = -log softmax(x W^T)[target], and dx = (softmax(x W^T) - onehot(target)) W in the same pass.
  ///
  /// Panels of W go by once: what a panel adds to dx is weighted by exp(logit - m), with m the largest logit so far, and
  /// scaled when a later panel has a larger one. Source: Milakov and Gimelshein, Online normalizer calculation for
  /// softmax, 2018.
  ///
  /// - Parameters:
  ///   - x: The normalised hidden vectors of the rows in the loss: [targets, hidden].
  ///   - dx: The gradient of the losses' sum, overwritten: [targets, hidden].
  ///   - losses: Overwritten: [targets, 1].
  package func forwardBackward(
    _ x: MatrixView, targets: [Int32], into dx: MutableMatrixView, losses: MutableMatrixView,
    scratch: borrowing Scratch
  ) {
    for start in chunks(x.rows, scratch.products.precision) {
      let chunk = start..<min(start + chunkRows(scratch.products.precision), x.rows)
      forwardBackward(
        x.rows(chunk), targets: targets[chunk], into: dx.rows(chunk), losses: losses.rows(chunk),
        scratch)
    }
  }

  private func forwardBackward(
    _ x: MatrixView, targets: ArraySlice<Int32>, into dx: MutableMatrixView,
    losses: MutableMatrixView, _ scratch: borrowing Scratch
  ) {
    let precision = scratch.products.precision
    let input = scratch.products.operand(x, in: .first)
    let sums = emptySums(x.rows, scratch)
    dx.zero()
    for first in panels(precision) {
      let panel = first..<min(first + panelRows(precision), vocabularySize)
      let logits = scratch.logits.matrix(x.rows, panel.count)
      scratch.products.multiply(input, transposed: head.weight, rows: panel, into: logits)
      for (row, target) in targets.enumerated() where panel.contains(Int(target)) {
        losses[row, 0] = logits[row, Int(target) - first]
      }
      weigh(logits, sums, dx)
      let weights = scratch.products.operand(logits.view, in: .second)
      scratch.products.multiply(weights, head.weight, rows: panel, accumulatingInto: dx)
    }
    let targetRow = scratch.headRow.matrix(1, dx.columns)
    for (row, target) in targets.enumerated() {
      losses[row, 0] = sums[row, 0] - losses[row, 0] + log(sums[row, 1])
      let gradient = unsafe dx.base + row * dx.stride
      unsafe vk_scale(1 / sums[row, 1], gradient, dx.columns)
      head.weight.widen(rows: Int(target)..<Int(target) + 1, into: targetRow)
      unsafe vk_subtract(targetRow.base, gradient, dx.columns)
    }
  }

  /// logits = exp(logits - m), and dx, which was weighted with an earlier m, as if it had been with this one.
  private func weigh(
    _ logits: MutableMatrixView, _ sums: MutableMatrixView, _ dx: MutableMatrixView
  ) {
    for row in 0..<logits.rows {
      let sum = unsafe sums.base + row * sums.stride
      let factor = unsafe vk_softmax_add(
        logits.base + row * logits.stride, logits.columns, sum, sum + 1)
      if factor != 1 { unsafe vk_scale(factor, dx.base + row * dx.stride, dx.columns) }
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
