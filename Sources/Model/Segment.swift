/// One micro-batch among those that go through a model together.
///
/// Products with frozen weights take all rows at once; whatever belongs to the adapter is computed for each segment by
/// itself, so that its gradient has the same bits whatever other segments there are.
package struct Segment: Sendable {
  /// Its rows in the pass.
  package let rows: Range<Int>
  package let dropout: Dropout?

  package init(rows: Range<Int>, dropout: Dropout? = nil) {
    self.rows = rows
    self.dropout = dropout
  }
}

/// Takes d(loss sum) / d(parameter) of the parameters from `first` on, as soon as it is complete for a micro-batch; `batch`
/// is its place in the pass.
///
/// The parameters of each micro-batch come in ascending order, and those of all micro-batches side by side: what lies
/// before the last one's has come for every one.
package typealias GradientSink = (_ batch: Int, _ first: Int, _ gradient: Span<Float>) -> Void
