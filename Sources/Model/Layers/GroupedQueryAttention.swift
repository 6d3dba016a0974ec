internal import VectorKernels

/// Attention inside each packed sequence, with several query heads per key/value head.
///
/// For each head: o = drop(softmax(s q k^T + mask)) v, s = headSize^-0.5, the mask causal or none. Probabilities are made
/// in blocks of queries that reach only as far as the mask lets them, and made again from the kept log-sum-exp in the
/// backward pass.
package struct GroupedQueryAttention: Sendable {
  package let heads: Int, kvHeads: Int, headSize: Int
  /// Tokens see those before them alone; else the whole sequence.
  package let isCausal: Bool
  private static let block = 32

  package init(heads: Int, kvHeads: Int, headSize: Int, isCausal: Bool = true) {
    precondition(heads % kvHeads == 0, "query heads must share key/value heads evenly")
    self.heads = heads
    self.kvHeads = kvHeads
    self.headSize = headSize
    self.isCausal = isCausal
  }

  /// Elements of `Scratch.scores` for sequences of at most `length` tokens.
  package static func scoresCount(length: Int, hasDropout: Bool = false) -> Int {
    (hasDropout ? 3 : 2) * block * length
  }

  /// Bits of the dropout mask of sequences of these lengths, where all tokens see each other.
  ///
  /// - Parameter queries: Of each sequence; all of its tokens if nil.
  package static func maskBits(heads: Int, lengths: [Int], queries: Int? = nil) -> Int {
    lengths.reduce(0) { $0 + heads * (queries ?? $1) * bits(row: $1) }
  }

  /// Rows of a mask begin at whole bytes.
  private static func bits(row keys: Int) -> Int { (keys + 7) & ~7 }

  private var scale: Float { 1 / Float(headSize).squareRoot() }

  private func columns(_ head: Int) -> Range<Int> { head * headSize..<(head + 1) * headSize }
  private func kvColumns(_ head: Int) -> Range<Int> { columns(head / (heads / kvHeads)) }

  /// Dropout of probabilities, its mask drawn already.
  package struct Dropping: ~Escapable {
    let dropout: Dropout
    let mask: DropoutMask

    /// Nil where nothing is dropped.
    @_lifetime(copy mask)
    package init?(_ dropout: Dropout?, _ mask: DropoutMask) {
      guard let dropout else { return nil }
      self.dropout = dropout
      self.mask = mask
    }
  }

  /// o = drop(softmax(s q k^T)) v.
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
    sequences: [PackedSequence], dropping: Dropping? = nil, into output: MutableMatrixView,
    logSumExp: MutableMatrixView, scratch: borrowing Scratch
  ) {
    forEachBlock(sequences) { block in
      let (head, rows, prefix) = (block.head, block.rows, block.prefix)
      let count = prefix.count + block.keys.count
      let p = scratch.scores.matrix(rows.count, count)
      scaledScores(q, k, block, block.keys, into: p.columns(prefix.count..<count))
      if !prefix.isEmpty {
        scaledScores(q, earlierK, block, prefix, into: p.columns(0..<prefix.count))
      }
      for (index, row) in rows.enumerated() {
        let visible = prefix.count + visible(row, block.keys)
        let element = unsafe p.base + index * p.stride
        logSumExp[row, head] = unsafe vk_softmax(element, visible)
        unsafe (element + visible).update(repeating: 0, count: count - visible)
      }
      let mixing = scratch.scores.matrix(
        rows.count, count, at: dropping == nil ? 0 : rows.count * count)
      if let dropping { drop(p.view, dropping, block, into: mixing) }
      let mixed = output.rows(rows).columns(columns(head))
      BLAS.multiply(
        mixing.columns(prefix.count..<count).view, v.rows(block.keys).columns(kvColumns(head)),
        into: mixed)
      if !prefix.isEmpty {
        BLAS.multiply(
          mixing.columns(0..<prefix.count).view, earlierV.rows(prefix).columns(kvColumns(head)),
          accumulatingInto: mixed)
      }
    }
  }

  /// The same for sequences that begin in this pass.
  package func forward(
    q: MatrixView, k: MatrixView, v: MatrixView, sequences: [PackedSequence],
    dropping: Dropping? = nil, into output: MutableMatrixView, logSumExp: MutableMatrixView,
    scratch: borrowing Scratch
  ) {
    forward(
      q: q, k: k, v: v, earlierK: k, earlierV: v, sequences: sequences, dropping: dropping,
      into: output, logSumExp: logSumExp, scratch: scratch)
  }

  /// dv += drop(p)^T do; dq += s ds k; dk += s ds^T q; ds = p * (drop(do v^T) - rowsum(do * o)).
  ///
  /// - Parameter logSumExp: What `forward` kept: [tokens, heads].
  package func backward(
    _ dOutput: MatrixView, q: MatrixView, k: MatrixView, v: MatrixView, output: MatrixView,
    logSumExp: MatrixView, sequences: [PackedSequence], dropping: Dropping? = nil,
    accumulatingIntoQ dq: MutableMatrixView, k dk: MutableMatrixView, v dv: MutableMatrixView,
    scratch: borrowing Scratch
  ) {
    forEachBlock(sequences) { block in
      precondition(
        block.prefix.isEmpty, "gradients do not flow into the sequence that is continued")
      let (head, keys, rows) = (block.head, block.keys, block.rows)
      let count = rows.count * keys.count
      let p = scratch.scores.matrix(rows.count, keys.count)
      let mixing = scratch.scores.matrix(
        rows.count, keys.count, at: dropping == nil ? 0 : count)
      let dMixing = scratch.scores.matrix(rows.count, keys.count, at: count)
      let ds = scratch.scores.matrix(
        rows.count, keys.count, at: dropping == nil ? count : 2 * count)
      let dOut = dOutput.rows(rows).columns(columns(head))
      scaledScores(q, k, block, keys, into: p)
      for (index, row) in rows.enumerated() {
        let visible = visible(row, keys)
        let pRow = unsafe p.base + index * p.stride
        unsafe vk_exp_shifted(pRow, logSumExp[row, head], pRow, visible)
        unsafe (pRow + visible).update(repeating: 0, count: keys.count - visible)
      }
      if let dropping { drop(p.view, dropping, block, into: mixing) }
      BLAS.multiply(
        mixing.view, transposingFirst: true, dOut,
        accumulatingInto: dv.rows(keys).columns(kvColumns(head)))
      // The dropped probabilities have been used: their gradient takes their place.
      BLAS.multiply(
        dOut, v.rows(keys).columns(kvColumns(head)), transposingSecond: true, into: dMixing)
      if let dropping { drop(dMixing.view, dropping, block, into: ds) }
      throughSoftmax(ds, p: p.view, dOutput, output: output, block)
      BLAS.multiply(
        ds.view, k.rows(keys).columns(kvColumns(head)), scale: scale,
        accumulatingInto: dq.rows(rows).columns(columns(head)))
      BLAS.multiply(
        ds.view, transposingFirst: true, q.rows(rows).columns(columns(head)), scale: scale,
        accumulatingInto: dk.rows(keys).columns(kvColumns(head)))
    }
  }

  /// ds = p * (ds - rowsum(do * o)) where keys are visible, else 0.
  private func throughSoftmax(
    _ ds: MutableMatrixView, p: MatrixView, _ dOutput: MatrixView, output: MatrixView,
    _ block: Block
  ) {
    let offset = block.head * headSize
    for (index, row) in block.rows.enumerated() {
      let visible = visible(row, block.keys)
      let dsRow = unsafe ds.base + index * ds.stride
      let correction = unsafe vk_dot(
        dOutput.base + row * dOutput.stride + offset, output.base + row * output.stride + offset,
        headSize)
      unsafe vk_softmax_backward(p.base + index * p.stride, correction, dsRow, visible)
      unsafe (dsRow + visible).update(repeating: 0, count: block.keys.count - visible)
    }
  }

  /// y = drop(x) with the part of the mask that belongs to a block.
  private func drop(
    _ x: MatrixView, _ dropping: Dropping, _ block: Block, into y: MutableMatrixView
  ) {
    let bits = Self.bits(row: block.keys.count)
    for row in 0..<x.rows {
      dropping.dropout.apply(
        x.rows(row..<row + 1),
        mask: dropping.mask.part(block.firstBit + row * bits, count: block.keys.count),
        into: y.rows(row..<row + 1))
    }
  }

  /// s q k^T of a block of queries against some of the keys it may see.
  private func scaledScores(
    _ q: MatrixView, _ k: MatrixView, _ block: Block, _ keys: Range<Int>,
    into scores: MutableMatrixView
  ) {
    BLAS.multiply(
      q.rows(block.rows).columns(columns(block.head)), k.rows(keys).columns(kvColumns(block.head)),
      transposingSecond: true, scale: scale, into: scores)
  }

  private func visible(_ row: Int, _ keys: Range<Int>) -> Int {
    isCausal ? row - keys.lowerBound + 1 : keys.count
  }

  /// Some queries of one head, and the keys they see.
  private struct Block {
    let head: Int
    let prefix: Range<Int>, keys: Range<Int>, rows: Range<Int>
    /// Where the mask of its first row begins.
    let firstBit: Int
  }

  private func forEachBlock(_ sequences: [PackedSequence], _ body: (Block) -> Void) {
    var firstBit = 0
    for sequence in sequences {
      let (own, queries) = (sequence.rows, sequence.queries)
      precondition(queries == own || !isCausal, "a causal mask needs the queries of all tokens")
      for head in 0..<heads {
        for start in stride(from: queries.lowerBound, to: queries.upperBound, by: Self.block) {
          let end = min(start + Self.block, queries.upperBound)
          let keys = own.lowerBound..<(isCausal ? end : own.upperBound)
          body(
            Block(
              head: head, prefix: sequence.prefix, keys: keys, rows: start..<end,
              firstBit: firstBit))
          firstBit += (end - start) * Self.bits(row: keys.count)
        }
      }
    }
  }
}
