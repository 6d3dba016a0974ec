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

  /// Rows that are widened together: large enough for the product's speed, small enough for the second-level cache.
  package var panelRows: Int {
    isDirect ? max(rows, 1) : max(1, min(rows, Self.panelElements / max(columns, 1)))
  }
  static let panelElements = 1 << 18

  /// Elements of scratch that `panel` needs.
  package var panelCount: Int { isDirect ? 0 : panelRows * columns }

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
