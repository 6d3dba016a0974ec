/// The sum of trained word, position and segment vectors of each token, normalised, with dropout behind it.
package struct Embeddings: Sendable {
  /// Offsets of the tables in the arenas: [vocabulary, hidden], [positions, hidden], [types, hidden].
  let words: Int, positions: Int
  let types: Int?
  let norm: LayerNorm
  private let vocabularySize: Int, positionCount: Int, typeCount: Int
  private let paddingToken: Int?
  /// The position of a first token; where it is not 0, padding has the one before and does not count.
  private let firstPosition: Int

  init(_ configuration: EncoderConfiguration, placingIn layout: inout ParameterLayout) {
    let names = EncoderNames(configuration.architecture)
    let hidden = configuration.hiddenSize
    vocabularySize = configuration.vocabularySize
    positionCount = configuration.positionCount
    typeCount = configuration.typeCount
    paddingToken = configuration.paddingToken
    firstPosition = configuration.firstPosition
    norm = layout.norm(names.prefix + names.embeddingNorm, configuration)
    types =
      typeCount > 0 ? layout.place(names.prefix + names.types, [typeCount, hidden]) : nil
    positions = layout.place(names.prefix + names.positions, [positionCount, hidden])
    words = layout.place(names.prefix + names.words, [vocabularySize, hidden])
  }

  /// y = drop(LayerNorm(word + position + type)).
  ///
  /// - Parameters:
  ///   - sum: What is normalised, kept for the backward pass, overwritten: [tokens, hidden].
  ///   - mask: The same where there is dropout: tokens * hidden bits.
  ///   - normed: Overwritten where there is dropout: [tokens, hidden].
  ///   - y: Overwritten: [tokens, hidden].
  func forward(
    _ batch: ChoiceBatch, _ parameters: borrowing FloatBuffer, dropout: Dropout?,
    sum: MutableMatrixView, moments: MutableMatrixView, mask: DropoutMask,
    normed: MutableMatrixView, into y: MutableMatrixView
  ) {
    forEachRow(batch) { row, place in
      let target = sum.rows(row..<row + 1)
      target.copy(from: self.row(parameters, words, place.token).view)
      target.add(self.row(parameters, positions, place.position).view)
      if let types { target.add(self.row(parameters, types, place.type).view) }
    }
    guard let dropout else {
      return norm.forward(sum.view, parameters, into: y, moments: moments)
    }
    norm.forward(sum.view, parameters, into: normed, moments: moments)
    dropout.forward(
      normed.view, module: EncoderDropout.Place.embeddings.module, mask: mask, into: y)
  }

  /// Adds the gradients of the tables' rows, token after token, and of the norm.
  ///
  /// - Parameters:
  ///   - dy: [tokens, hidden].
  ///   - dNormed: Overwritten where there is dropout: [tokens, hidden].
  ///   - dSum: Overwritten: [tokens, hidden].
  func backward(
    _ dy: MatrixView, _ batch: ChoiceBatch, _ parameters: borrowing FloatBuffer,
    dropout: Dropout?, sum: MatrixView, moments: MatrixView, mask: DropoutMask,
    dNormed: MutableMatrixView, dSum: MutableMatrixView,
    accumulatingInto gradients: borrowing FloatBuffer
  ) {
    dropout?.apply(dy, mask: mask, into: dNormed)
    norm.backward(
      dropout == nil ? dy : dNormed.view, x: sum, moments: moments, parameters, into: dSum,
      accumulatingIntoParameters: gradients)
    forEachRow(batch) { row, place in
      let gradient = dSum.view.rows(row..<row + 1)
      if let types { self.row(gradients, types, place.type).add(gradient) }
      if !place.isUncounted { self.row(gradients, positions, place.position).add(gradient) }
      if place.token != paddingToken { self.row(gradients, words, place.token).add(gradient) }
    }
  }

  @_lifetime(borrow arena)
  private func row(
    _ arena: borrowing FloatBuffer, _ table: Int, _ index: Int
  ) -> MutableMatrixView {
    arena.matrix(1, norm.size, at: table + index * norm.size)
  }

  private struct Place {
    let token: Int, position: Int, type: Int
    /// Its position is that of padding, which is not trained.
    let isUncounted: Bool
  }

  private func forEachRow(_ batch: ChoiceBatch, _ body: (_ row: Int, Place) -> Void) {
    for sequence in batch.sequences {
      var position = firstPosition
      for row in sequence {
        let (token, type) = (Int(batch.tokens[row]), Int(batch.types[row]))
        precondition(
          (0..<vocabularySize).contains(token) && position < positionCount
            && (typeCount == 0 || (0..<typeCount).contains(type)),
          "a token, a position or a type is outside of its table")
        let isUncounted = token == paddingToken && firstPosition > 0
        body(
          row,
          Place(
            token: token, position: isUncounted ? firstPosition - 1 : position, type: type,
            isUncounted: isUncounted))
        if !isUncounted { position += 1 }
      }
    }
  }
}
