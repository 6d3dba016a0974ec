internal import VectorKernels

/// Causal attention inside each packed sequence, with several query heads per key/value head.
///
/// For each head: o = softmax(s q k^T + causal mask) v, s = headSize^-0.5. Probabilities are made in blocks of queries
/// that reach only as far as the causal mask lets them, and made again from the kept log-sum-exp in the backward pass.
package struct GroupedQueryAttention: Sendable {
  package let heads: Int, kvHeads: Int, headSize: Int
  private static let block = 64

  package init(heads: Int, kvHeads: Int, headSize: Int) {
    precondition(heads % kvHeads == 0, "query heads must share key/value heads evenly")
    self.heads = heads
    self.kvHeads = kvHeads
    self.headSize = headSize
  }

  /// Elements of `Scratch.scores` for sequences of at most `length` tokens.
  package static func scoresCount(length: Int) -> Int { 2 * block * length }

  private var scale: Float { 1 / Float(headSize).squareRoot() }

  private func columns(_ head: Int) -> Range<Int> { head * headSize..<(head + 1) * headSize }
  private func kvColumns(_ head: Int) -> Range<Int> { columns(head / (heads / kvHeads)) }

  /// o = softmax(s q k^T) v.
  ///
  /// - Parameters:
  ///   - q: Rotated queries: [tokens, heads * headSize].
  ///   - k: Rotated keys: [tokens, kvHeads * headSize].
  ///   - v: Values: [tokens, kvHeads * headSize].
  ///   - earlierK: Where the prefixes of the sequences have their keys: [any, kvHeads * headSize].
  ///   - earlierV: The same for values.
  ///   - output: Overwritten: [tokens, heads * headSize].
  ///   - logSumExp: Kept for the backward pass, overwritten: [tokens, heads].
  package func forward(
    q: MatrixView, k: MatrixView, v: MatrixView, earlierK: MatrixView, earlierV: MatrixView,
    sequences: [PackedSequence], into output: MutableMatrixView, logSumExp: MutableMatrixView,
    scratch: borrowing Scratch
  ) {
    forEachBlock(sequences) { head, prefix, keys, rows in
      let p = scratch.scores.matrix(rows.count, prefix.count + keys.count)
      let own = p.columns(prefix.count..<p.columns)
      scaledScores(q, k, head, keys, rows, into: own)
      if !prefix.isEmpty {
        scaledScores(q, earlierK, head, prefix, rows, into: p.columns(0..<prefix.count))
      }
      for (index, row) in rows.enumerated() {
        let visible = prefix.count + row - keys.lowerBound + 1
        let element = unsafe p.base + index * p.stride
        logSumExp[row, head] = unsafe vk_softmax(element, visible)
        unsafe (element + visible).update(repeating: 0, count: p.columns - visible)
      }
      let mixed = output.rows(rows).columns(columns(head))
      BLAS.multiply(own.view, v.rows(keys).columns(kvColumns(head)), into: mixed)
      if !prefix.isEmpty {
        BLAS.multiply(
          p.columns(0..<prefix.count).view, earlierV.rows(prefix).columns(kvColumns(head)),
          accumulatingInto: mixed)
      }
    }
  }

  /// dv += p^T do; dq += s ds k; dk += s ds^T q; ds = p * (do v^T - rowsum(do * o)).
  ///
  /// - Parameter logSumExp: What `forward` kept: [tokens, heads].
  package func backward(
    _ dOutput: MatrixView, q: MatrixView, k: MatrixView, v: MatrixView, output: MatrixView,
    logSumExp: MatrixView, sequences: [PackedSequence], accumulatingIntoQ dq: MutableMatrixView,
    k dk: MutableMatrixView, v dv: MutableMatrixView, scratch: borrowing Scratch
  ) {
    forEachBlock(sequences) { head, prefix, keys, rows in
      precondition(prefix.isEmpty, "gradients do not flow into the sequence that is continued")
      let count = rows.count * keys.count
      let p = scratch.scores.matrix(rows.count, keys.count)
      let ds = scratch.scores.matrix(rows.count, keys.count, at: count)
      let dOut = dOutput.rows(rows).columns(columns(head))
      scaledScores(q, k, head, keys, rows, into: p)
      BLAS.multiply(
        dOut, v.rows(keys).columns(kvColumns(head)), transposingSecond: true, into: ds)
      for (index, row) in rows.enumerated() {
        let visible = row - keys.lowerBound + 1
        let pRow = unsafe p.base + index * p.stride
        let dsRow = unsafe ds.base + index * ds.stride
        unsafe vk_exp_shifted(pRow, logSumExp[row, head], pRow, visible)
        let correction = unsafe vk_dot(
          dOutput.base + row * dOutput.stride + head * headSize,
          output.base + row * output.stride + head * headSize, headSize)
        unsafe vk_softmax_backward(pRow, correction, dsRow, visible)
        unsafe (pRow + visible).update(repeating: 0, count: keys.count - visible)
        unsafe (dsRow + visible).update(repeating: 0, count: keys.count - visible)
      }
      BLAS.multiply(
        p.view, transposingFirst: true, dOut,
        accumulatingInto: dv.rows(keys).columns(kvColumns(head)))
      BLAS.multiply(
        ds.view, k.rows(keys).columns(kvColumns(head)), scale: scale,
        accumulatingInto: dq.rows(rows).columns(columns(head)))
      BLAS.multiply(
        ds.view, transposingFirst: true, q.rows(rows).columns(columns(head)), scale: scale,
        accumulatingInto: dk.rows(keys).columns(kvColumns(head)))
    }
  }

  /// s q k^T of a block of queries against all keys it may see.
  private func scaledScores(
    _ q: MatrixView, _ k: MatrixView, _ head: Int, _ keys: Range<Int>, _ rows: Range<Int>,
    into scores: MutableMatrixView
  ) {
    BLAS.multiply(
      q.rows(rows).columns(columns(head)), k.rows(keys).columns(kvColumns(head)),
      transposingSecond: true, scale: scale, into: scores)
  }

  private func forEachBlock(
    _ sequences: [PackedSequence],
    _ body: (_ head: Int, _ prefix: Range<Int>, _ keys: Range<Int>, _ rows: Range<Int>) -> Void
  ) {
    for sequence in sequences {
      let own = sequence.rows
      for head in 0..<heads {
        for start in stride(from: own.lowerBound, to: own.upperBound, by: Self.block) {
          let end = min(start + Self.block, own.upperBound)
          body(head, sequence.prefix, own.lowerBound..<end, start..<end)
        }
      }
    }
  }
}
