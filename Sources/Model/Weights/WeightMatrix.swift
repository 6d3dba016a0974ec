internal import Glibc
internal import VectorKernels

/// A frozen [rows, columns] matrix that stays where it is, in the mapped file.
package struct WeightMatrix: Sendable {
  let file: MappedFile
  package let elementType: ElementType
  package let rows: Int, columns: Int
  private let start: Int

  init(file: MappedFile, entry: TensorEntry, rows: Int, columns: Int) {
    precondition(rows * columns == entry.count, "the tensor has another size")
    self.file = file
    elementType = entry.elementType
    start = entry.bytes.lowerBound
    self.rows = rows
    self.columns = columns
  }

  /// True where the mapped bytes can be multiplied as they are.
  private var isDirect: Bool {
    elementType == .float32 && start % MemoryLayout<Float>.alignment == 0
  }

  /// True where the mapped bytes can be multiplied as bfloat16 numbers.
  var isBFloat16: Bool {
    elementType == .bfloat16 && start % MemoryLayout<UInt16>.alignment == 0
  }

  /// Rows that are multiplied together.
  ///
  /// Panels that are widened first fit the second-level cache; bfloat16 ones that a library multiplies are as many rows
  /// as keep their product in it.
  package func panelRows(_ precision: Precision) -> Int {
    Self.panelRows(rows, columns, precision, isMultipliedAsItLies(precision))
  }

  static func panelRows(
    _ rows: Int, _ columns: Int, _ precision: Precision, _ isAsItLies: Bool
  ) -> Int {
    switch precision {
    case _ where !isAsItLies:
      max(1, min(rows, max(panelElements / max(columns, 1), leastPanelRows)))
    case .bfloat16 where rows > 2 * bfloat16PanelRows && !BlockProducts.multipliesBFloat16:
      bfloat16PanelRows
    default: max(rows, 1)
    }
  }
  static let panelElements = 1 << 18
  /// Fewer rows and the library spends its time arranging the other operand.
  private static let leastPanelRows = 256
  private static let bfloat16PanelRows = 1024

  /// True where products take the mapped bytes themselves.
  func isMultipliedAsItLies(_ precision: Precision) -> Bool {
    (isDirect || isBFloat16) && Self.isMultipliedAsItLies(elementType, precision)
  }

  /// True where products take aligned weights of a type as they lie, so that nothing is widened or rounded before.
  package static func isMultipliedAsItLies(_ type: ElementType, _ precision: Precision) -> Bool {
    switch type {
    case .float32: precision == .float32
    case .bfloat16: precision == .bfloat16 || BlockProducts.multipliesFloat32
    case .float16: false
    }
  }

  /// Elements of scratch that `panel` needs.
  package func panelCount(_ precision: Precision) -> Int {
    isMultipliedAsItLies(precision) ? 0 : panelRows(precision) * columns
  }

  /// Calls `body` with the rows of one panel after the other.
  package func forEachPanel(_ precision: Precision, _ body: (Range<Int>) -> Void) {
    let step = panelRows(precision)
    for start in stride(from: 0, to: rows, by: step) { body(start..<min(start + step, rows)) }
  }

  /// Some rows as they lie in the mapped file; only where `isBFloat16`.
  @_lifetime(borrow self)
  func bfloat16Rows(_ range: Range<Int>) -> BFloat16View {
    precondition(
      isBFloat16 && range.lowerBound >= 0 && range.upperBound <= rows, "rows outside of the matrix")
    let base = unsafe (file.base + start + range.lowerBound * columns * 2)
      .assumingMemoryBound(to: UInt16.self)
    return unsafe _overrideLifetime(
      BFloat16View(base: base, rows: range.count, columns: columns, stride: columns),
      borrowing: self)
  }

  /// Some rows in 32-bit floats: the mapped bytes themselves, or widened into `scratch`.
  @_lifetime(borrow self, borrow scratch)
  package func panel(_ range: Range<Int>, scratch: borrowing FloatBuffer) -> MatrixView {
    if isDirect {
      let base = unsafe (file.base + start + range.lowerBound * columns * 4)
        .assumingMemoryBound(to: Float.self)
      return unsafe _overrideLifetime(
        MatrixView(base: base, rows: range.count, columns: columns, stride: columns),
        borrowing: self)
    }
    let target = scratch.matrix(range.count, columns)
    widen(rows: range, into: target)
    return unsafe _overrideLifetime(target.view, borrowing: self)
  }

  /// Overwrites `target` with some rows in 32-bit floats; target: [range, columns], contiguous.
  package func widen(rows range: Range<Int>, into target: MutableMatrixView) {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows outside of the matrix")
    let count = range.count * columns
    precondition(
      target.rows * target.columns == count && target.stride == target.columns, "shapes differ")
    let source = unsafe file.base + start + range.lowerBound * columns * elementType.byteCount
    switch elementType {
    case .float32: unsafe memcpy(target.base, source, count * 4)
    case .float16:
      unsafe vk_widen_f16(source.assumingMemoryBound(to: UInt16.self), target.base, count)
    case .bfloat16:
      unsafe vk_widen_bf16(source.assumingMemoryBound(to: UInt16.self), target.base, count)
    }
  }
}
