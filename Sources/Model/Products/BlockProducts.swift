internal import Dispatch
internal import Glibc
internal import Synchronization
internal import VectorKernels

/// Rows times a matrix, block by block of the matrix, with this program's own kernels for processors with AVX-512.
///
/// The order in which a number is summed follows from the inner size alone: a row of the result depends neither on the
/// other rows nor on the threads.
enum BlockProducts {
  /// Where OPENBLAS_CORETYPE names a kernel family, that one is to compute the products on every host.
  static let multipliesFloat32 = unsafe vk_multiplies_f32() && getenv("OPENBLAS_CORETYPE") == nil
  static let multipliesBFloat16 = vk_multiplies_bf16() && OneDNN.obstacle == nil

  /// True where every product with weights of these sizes is computed here, whichever panels of them are taken.
  static func computesAll(
    rows: Int, columns: Int, _ type: ElementType, _ precision: Precision
  ) -> Bool {
    let multiplies = precision == .float32 ? multipliesFloat32 : multipliesBFloat16
    return multiplies && WeightMatrix.isMultipliedAsItLies(type, precision)
      && rows % blockColumns == 0 && columns % blockColumns == 0
  }

  private static let threadCount = Atomic<Int>(1)
  /// Columns of a block.
  private static let blockColumns = 64

  /// Threads that one product may use.
  static func setThreadCount(_ count: Int) { threadCount.store(count, ordering: .relaxed) }

  /// Computes c = a op(b) or c += a op(b), where op transposes if asked; returns false where a library has to.
  static func multiply(
    _ a: MatrixProducts.Operand, _ b: MatrixProducts.Operand, _ transposesB: Bool,
    accumulates: Bool, _ c: MutableMatrixView
  ) -> Bool {
    let product: Product
    switch (a, b) {
    case (.float32(let x), _) where x.columns == 0: return false
    case (.bfloat16(let x), _) where x.columns == 0: return false
    case (.float32(let x), .widened(let w)):
      product = unsafe Product(
        x: x.base, xStride: x.stride, rows: x.rows, inner: x.columns,
        weights: weights(w.base, w.stride, isBFloat16: true, transposesB),
        accumulates: accumulates, c: c.base, cStride: c.stride)
      check(x.rows, x.columns, w.rows, w.columns, transposesB, c)
    case (.float32(let x), .float32(let w)) where multipliesFloat32:
      product = unsafe Product(
        x: x.base, xStride: x.stride, rows: x.rows, inner: x.columns,
        weights: weights(w.base, w.stride, isBFloat16: false, transposesB),
        accumulates: accumulates, c: c.base, cStride: c.stride)
      check(x.rows, x.columns, w.rows, w.columns, transposesB, c)
    case (.bfloat16(let x), .bfloat16(let w))
    where multipliesBFloat16 && hasPairs(x, w, transposesB):
      product = unsafe Product(
        pairs: x.base, xStride: x.stride, rows: x.rows, inner: x.columns,
        weights: weights(w.base, w.stride, isBFloat16: true, transposesB),
        accumulates: accumulates, c: c.base, cStride: c.stride)
      check(x.rows, x.columns, w.rows, w.columns, transposesB, c)
    default: return false
    }
    compute(product, columns: c.columns)
    return true
  }

  /// Whether the numbers of x and w can be taken in twos along the inner size.
  private static func hasPairs(
    _ x: BFloat16View, _ w: BFloat16View, _ transposesB: Bool
  ) -> Bool {
    guard x.stride % 2 == 0 else { return false }
    return transposesB
      ? x.columns % 2 == 0 && w.stride % 2 == 0 : x.columns % 2 == 0 || x.isPadded
  }

  private static func weights(
    _ base: UnsafeRawPointer, _ stride: Int, isBFloat16: Bool, _ transposes: Bool
  ) -> vk_weights {
    unsafe vk_weights(
      elements: base, stride: stride, is_bfloat16: isBFloat16, is_transposed: transposes)
  }

  private static func check(
    _ rows: Int, _ inner: Int, _ weightRows: Int, _ weightColumns: Int, _ transposes: Bool,
    _ c: MutableMatrixView
  ) {
    precondition(
      rows == c.rows && (transposes ? weightRows : weightColumns) == c.columns
        && (transposes ? weightColumns : weightRows) == inner, "shapes do not fit a product")
  }

  /// Gives each thread whole blocks of columns, of which the last may be narrower; rows, where all columns are one block.
  private static func compute(_ product: Product, columns: Int) {
    let blocks = (columns + blockColumns - 1) / blockColumns
    let threads = min(threadCount.load(ordering: .relaxed), blocks > 1 ? blocks : product.rows)
    guard threads > 1 else { return product.compute(0..<product.rows, 0..<columns) }
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      guard blocks > 1 else {
        let rows = product.rows
        return product.compute(rows * thread / threads..<rows * (thread + 1) / threads, 0..<columns)
      }
      let start = blocks * thread / threads * blockColumns
      let end = min(blocks * (thread + 1) / threads * blockColumns, columns)
      product.compute(0..<product.rows, start..<end)
    }
  }

  /// The memory of one product, whose owners wait until all threads are done with it.
  @safe
  private struct Product: @unchecked Sendable {
    /// Of 32-bit floats or of bfloat16 numbers; the other is nil.
    var x: UnsafePointer<Float>?
    var pairs: UnsafePointer<UInt16>?
    let xStride: Int, rows: Int, inner: Int
    let weights: vk_weights
    let accumulates: Bool
    let c: UnsafeMutablePointer<Float>
    let cStride: Int

    /// Computes some rows and columns of c.
    func compute(_ rows: Range<Int>, _ columns: Range<Int>) {
      let size = unsafe weights.is_bfloat16 ? 2 : 4
      let step = unsafe weights.is_transposed ? weights.stride : 1
      var part = unsafe weights
      unsafe part.elements += columns.lowerBound * step * size
      let target = unsafe c + rows.lowerBound * cStride + columns.lowerBound
      let first = rows.lowerBound * xStride
      if let x = unsafe x {
        unsafe vk_multiply_f32(
          x + first, xStride, rows.count, part, inner, columns.count, accumulates, target, cStride)
      } else if let pairs = unsafe pairs {
        unsafe vk_multiply_bf16(
          pairs + first, xStride, rows.count, part, inner, columns.count, accumulates, target,
          cStride)
      }
    }
  }
}
