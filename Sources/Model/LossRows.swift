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

  init(_ batch: MicroBatch) {
    guard Self.areFew(batch.targetRows.count, of: batch.tokens.count) else {
      (kept, count, targets) = (nil, batch.tokens.count, batch.targetRows)
      return
    }
    let rows = Set(batch.targetRows).sorted()
    let places = Dictionary(uniqueKeysWithValues: zip(rows, rows.indices))
    (kept, count) = (rows, rows.count)
    targets = batch.targetRows.compactMap { places[$0] }
  }

  /// At most half of the rows are worth gathering.
  private static func areFew(_ targets: Int, of tokens: Int) -> Bool { 2 * targets <= tokens }

  /// The most rows that are ever gathered with a plan.
  static func most(targets: Int, tokens: Int) -> Int { min(targets, tokens / 2) }
}
