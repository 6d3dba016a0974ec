/// Micro-batches that go through a model together, with all that can be known of the pass before it begins.
///
/// With several micro-batches, each has targets.
package struct JoinedPass: Sendable {
  /// The sequences of all micro-batches.
  let batch: MicroBatch
  let sequences: [PackedSequence]
  let longestSequence: Int
  /// One for each micro-batch.
  let segments: [Segment]
  let lossRows: LossRows
  /// Targets before those of each micro-batch, then all.
  private let targetEnds: [Int]

  package var tokenCount: Int { batch.tokens.count }

  /// - Parameter dropouts: One for each batch.
  package init(_ batches: [MicroBatch], dropouts: [Dropout?]) {
    precondition(batches.count == dropouts.count, "each batch has a dropout of its own or none")
    let isAlone = batches.count == 1
    batch = isAlone ? batches[0] : MicroBatch(joining: batches)
    sequences = batch.sequences
    longestSequence = sequences.map(\.length).max() ?? 0
    var segments: [Segment] = []
    var (end, targetEnds) = (0, [0])
    for (batch, dropout) in zip(batches, dropouts) {
      precondition(isAlone || !batch.targetRows.isEmpty, "a batch of several has no targets")
      segments.append(Segment(rows: end..<end + batch.tokens.count, dropout: dropout))
      end += batch.tokens.count
      targetEnds.append(targetEnds[targetEnds.count - 1] + batch.targetRows.count)
    }
    (self.segments, self.targetEnds) = (segments, targetEnds)
    lossRows = LossRows(batch, segments)
  }

  /// The targets of micro-batch `index`.
  func targets(_ index: Int) -> Range<Int> { targetEnds[index]..<targetEnds[index + 1] }
}
