internal import COpenBLAS

/// Matrix products in single precision: the only file that calls OpenBLAS.
package enum BLAS {
  /// Threads that one product may use.
  package static func setThreadCount(_ count: Int) { openblas_set_num_threads(Int32(count)) }

  /// The kernel family OpenBLAS chose for this CPU, for records of a run.
  package static var coreName: String { unsafe String(cString: openblas_get_corename()) }

  /// c = scale * op(a) op(b), where op transposes if asked.
  package static func multiply(
    _ a: MatrixView, transposingFirst: Bool = false, _ b: MatrixView,
    transposingSecond: Bool = false, scale: Float = 1, into c: MutableMatrixView
  ) {
    multiply(a, transposingFirst, b, transposingSecond, scale: scale, accumulates: false, c)
  }

  /// c += scale * op(a) op(b), where op transposes if asked.
  package static func multiply(
    _ a: MatrixView, transposingFirst: Bool = false, _ b: MatrixView,
    transposingSecond: Bool = false, scale: Float = 1, accumulatingInto c: MutableMatrixView
  ) {
    multiply(a, transposingFirst, b, transposingSecond, scale: scale, accumulates: true, c)
  }

  static func multiply(
    _ a: MatrixView, _ transposesA: Bool, _ b: MatrixView, _ transposesB: Bool, scale: Float,
    accumulates: Bool, _ c: MutableMatrixView
  ) {
    let inner = transposesA ? a.rows : a.columns
    precondition(
      (transposesA ? a.columns : a.rows) == c.rows
        && (transposesB ? b.rows : b.columns) == c.columns
        && (transposesB ? b.columns : b.rows) == inner,
      "shapes do not fit a product")
    guard c.rows > 0 && c.columns > 0 else { return }
    guard inner > 0 else {
      if !accumulates { c.zero() }
      return
    }
    unsafe cblas_sgemm(
      CblasRowMajor, transposesA ? CblasTrans : CblasNoTrans,
      transposesB ? CblasTrans : CblasNoTrans,
      Int32(c.rows), Int32(c.columns), Int32(inner), scale, a.base, Int32(a.stride), b.base,
      Int32(b.stride), accumulates ? 1 : 0, c.base, Int32(c.stride))
  }
}
