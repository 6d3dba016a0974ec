/// The tokens whose last hidden vectors a loss asks for.
///
/// Where they are few, the last MLP and the head's input have their rows alone, in ascending order.
struct LossRows: Sendable {
  /// Rows of the last residual stream in the micro-batch; nil where it has all of them.
  let kept: [Int]?
  /// Rows of the last residual stream.
  let count: Int
  /// Of each target, in the last residual stream.
  let targets: [Int]
  /// The pass's micro-batches, in the last residual stream.
  let segments: [Segment]

  init(_ batch: MicroBatch, _ segments: [Segment]) {
    guard Self.areFew(in: batch) else {
      (kept, count, targets) = (nil, batch.tokens.count, batch.targetRows)
      self.segments = segments
      return
    }
    let rows = Set(batch.targetRows).sorted()
    let places = Dictionary(uniqueKeysWithValues: zip(rows, rows.indices))
    (kept, count) = (rows, rows.count)
    targets = batch.targetRows.compactMap { places[$0] }
    var first = 0
    self.segments = segments.map { segment in
      let start = first
      first += rows[start...].prefix { segment.rows.contains($0) }.count
      return Segment(rows: start..<first, dropout: segment.dropout)
    }
  }

  /// At most half of the rows are worth gathering.
  static func areFew(in batch: MicroBatch) -> Bool {
    2 * batch.targetRows.count <= batch.tokens.count
  }

  /// The most rows that are ever gathered with a plan.
  static func most(targets: Int, tokens: Int) -> Int { min(targets, tokens / 2) }
}
