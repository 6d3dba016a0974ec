/// One sequence of a packed micro-batch, and the keys and values it continues.
package struct PackedSequence: Sendable, Equatable {
  /// Its own tokens in the micro-batch.
  package let rows: Range<Int>
  /// Rows of the keys and values of the tokens before its first one; empty for a sequence that begins here.
  package let prefix: Range<Int>
  /// Rows of its queries and outputs; where they are not those of its tokens, each sees all of them.
  package let queries: Range<Int>

  package init(rows: Range<Int>, prefix: Range<Int> = 0..<0, queries: Range<Int>? = nil) {
    self.rows = rows
    self.prefix = prefix
    self.queries = queries ?? rows
  }

  /// Tokens that its last one may attend to.
  package var length: Int { prefix.count + rows.count }
}
