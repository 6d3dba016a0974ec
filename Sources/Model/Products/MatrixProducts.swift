internal import VectorKernels

/// Matrix products in the precision of a run, with the memory their operands are widened or rounded into.
///
/// Rows times a matrix go to `BlockProducts` where the processor has what they need. All others go to OpenBLAS in float32,
/// with weights of other types widened panel by panel, and to oneDNN in bfloat16, with bfloat16 weights as they lie in
/// the mapped file and everything else rounded. Sums are 32-bit floats everywhere.
package struct MatrixProducts: ~Copyable {
  package let precision: Precision
  private let panel: FloatBuffer
  /// One part for each `Slot`.
  private let rounded: BFloat16Buffer
  private let slotCount: Int
  #if OneDNN
    private let oneDNN: OneDNN?
  #endif

  /// Where an operand is rounded to; operands in use at the same time have different ones.
  package enum Slot: Int, CaseIterable, Sendable { case first, second, third, weight }

  /// - Parameters:
  ///   - panel: Elements of the largest panel of weights that cannot be multiplied as it lies in the file.
  ///   - operand: Elements of the largest operand.
  package init(_ precision: Precision, panel: Int = 0, operand: Int = 0) {
    self.precision = precision
    let rounds = precision == .bfloat16
    self.panel = FloatBuffer(count: panel)
    slotCount = rounds ? max(operand, panel) : 0
    rounded = BFloat16Buffer(count: Slot.allCases.count * slotCount)
    #if OneDNN
      oneDNN = rounds ? OneDNN() : nil
    #endif
  }

  /// A matrix as products take it.
  package enum Operand: ~Escapable {
    case float32(MatrixView)
    case bfloat16(BFloat16View)
    /// bfloat16 weights in a product of 32-bit floats, widened while they are multiplied.
    case widened(BFloat16View)

    /// The rows in `range`.
    @_lifetime(copy self)
    package func rows(_ range: Range<Int>) -> Operand {
      switch self {
      case .float32(let values): .float32(values.rows(range))
      case .bfloat16(let values): .bfloat16(values.rows(range))
      case .widened(let values): .widened(values.rows(range))
      }
    }

    /// The columns in `range`.
    @_lifetime(copy self)
    package func columns(_ range: Range<Int>) -> Operand {
      switch self {
      case .float32(let values): .float32(values.columns(range))
      case .bfloat16(let values): .bfloat16(values.columns(range))
      case .widened(let values): .widened(values.columns(range))
      }
    }
  }

  /// x as an operand, rounded into `slot` where the precision asks for it; valid until the slot is used again.
  ///
  /// - Parameter isPadded: Rounded rows have an even number of places, the last of which is 0 where it is none of x's.
  @_lifetime(borrow self, copy x)
  package func operand(
    _ x: MatrixView, in slot: Slot, isPadded: Bool = false
  ) -> Operand {
    guard precision == .bfloat16 else { return .float32(x) }
    let padding = isPadded ? x.columns % 2 : 0
    let stride = x.columns + padding
    let target = unsafe place(x.rows * stride, in: slot)
    for row in 0..<x.rows {
      let start = unsafe target + row * stride
      unsafe vk_narrow_bf16(x.base + row * x.stride, 1, start, x.columns)
      if padding > 0 { unsafe start[x.columns] = 0 }
    }
    let view = unsafe BFloat16View(
      base: UnsafePointer(target), rows: x.rows, columns: x.columns, stride: stride,
      isPadded: padding > 0)
    return .bfloat16(unsafe _overrideLifetime(view, borrowing: self))
  }

  /// x^T as an operand, padded; in `spare` where it is not rounded.
  @_lifetime(borrow self, borrow spare)
  package func operand(
    transposing x: MatrixView, spare: borrowing FloatBuffer, in slot: Slot
  ) -> Operand {
    let transposed = spare.matrix(x.columns, x.rows)
    transposed.copy(transposing: x)
    return operand(transposed.view, in: slot, isPadded: true)
  }

  /// mask * x / (1 - p) as an operand; in `spare` where it is not rounded; x: contiguous.
  @_lifetime(borrow self, borrow spare)
  func operand(
    _ x: MatrixView, _ dropout: Dropout, _ mask: DropoutMask, spare: borrowing FloatBuffer,
    in slot: Slot
  ) -> Operand {
    guard precision == .bfloat16 else {
      let dropped = spare.matrix(x.rows, x.columns)
      dropout.apply(x, mask: mask, into: dropped)
      return .float32(dropped.view)
    }
    let target = unsafe place(x.rows * x.columns, in: slot)
    unsafe dropout.apply(x, mask: mask, roundingInto: target)
    let view = unsafe BFloat16View(
      base: UnsafePointer(target), rows: x.rows, columns: x.columns, stride: x.columns)
    return .bfloat16(unsafe _overrideLifetime(view, borrowing: self))
  }

  /// Where `count` numbers are rounded to.
  private func place(_ count: Int, in slot: Slot) -> UnsafeMutablePointer<UInt16> {
    precondition(count <= slotCount, "an operand is larger than was planned")
    return unsafe rounded.base + slot.rawValue * slotCount
  }

  // MARK: Two operands

  /// c = op(a) op(b), where op transposes if asked.
  package func multiply(
    _ a: Operand, transposingFirst: Bool = false, _ b: Operand, transposingSecond: Bool = false,
    into c: MutableMatrixView
  ) {
    product(a, transposingFirst, b, transposingSecond, accumulates: false, c)
  }

  /// c += op(a) op(b), where op transposes if asked.
  package func multiply(
    _ a: Operand, transposingFirst: Bool = false, _ b: Operand, transposingSecond: Bool = false,
    accumulatingInto c: MutableMatrixView
  ) {
    product(a, transposingFirst, b, transposingSecond, accumulates: true, c)
  }

  private func product(
    _ a: Operand, _ transposesA: Bool, _ b: Operand, _ transposesB: Bool, accumulates: Bool,
    _ c: MutableMatrixView
  ) {
    if !transposesA, BlockProducts.multiply(a, b, transposesB, accumulates: accumulates, c) {
      return
    }
    switch (a, b) {
    case (.float32(let left), .float32(let right)):
      BLAS.multiply(
        left, transposesA, right, transposesB, scale: 1, accumulates: accumulates, c)
    #if OneDNN
      case (.bfloat16(let left), .bfloat16(let right)):
        oneDNN?.multiply(left, transposesA, right, transposesB, accumulates: accumulates, c)
    #endif
    default: preconditionFailure("operands of two precisions")
    }
  }

  // MARK: An operand and frozen weights

  /// y = x W^T; x: [tokens, in], W: [out, in], y: [tokens, out].
  package func multiply(
    _ x: Operand, transposed weight: WeightMatrix, into y: MutableMatrixView
  ) {
    weight.forEachPanel(precision) { rows in
      multiply(x, transposed: weight, rows: rows, into: y.columns(rows))
    }
  }

  /// y = x W^T for some rows of W, no more than a panel has.
  package func multiply(
    _ x: Operand, transposed weight: WeightMatrix, rows: Range<Int>, into y: MutableMatrixView
  ) {
    product(x, false, operand(weight, rows), true, accumulates: false, y)
  }

  /// dx = dy W; dy: [tokens, out], W: [out, in], dx: [tokens, in].
  package func multiply(_ dy: Operand, _ weight: WeightMatrix, into dx: MutableMatrixView) {
    weight.forEachPanel(precision) { rows in
      product(
        dy.columns(rows), false, operand(weight, rows), false, accumulates: rows.lowerBound > 0, dx)
    }
  }

  /// dx += dy W.
  package func multiply(
    _ dy: Operand, _ weight: WeightMatrix, accumulatingInto dx: MutableMatrixView
  ) {
    weight.forEachPanel(precision) { rows in
      multiply(dy.columns(rows), weight, rows: rows, accumulatingInto: dx)
    }
  }

  /// dx += dy W for some rows of W, no more than a panel has; dy: [tokens, rows].
  package func multiply(
    _ dy: Operand, _ weight: WeightMatrix, rows: Range<Int>, accumulatingInto dx: MutableMatrixView
  ) {
    product(dy, false, operand(weight, rows), false, accumulates: true, dx)
  }

  /// Some rows of the weights: the mapped bytes themselves, or widened and rounded as the precision asks.
  @_lifetime(borrow self, borrow weight)
  private func operand(_ weight: WeightMatrix, _ rows: Range<Int>) -> Operand {
    guard weight.isMultipliedAsItLies(precision), weight.isBFloat16 else {
      return operand(weight.panel(rows, scratch: panel), in: .weight)
    }
    let values = weight.bfloat16Rows(rows)
    return precision == .bfloat16 ? .bfloat16(values) : .widened(values)
  }
}
