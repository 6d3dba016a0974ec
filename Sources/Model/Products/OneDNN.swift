internal import Glibc

#if OneDNN
  internal import COneDNN

  /// Matrix products with bfloat16 operands and 32-bit sums: the only file that calls oneDNN.
  ///
  /// A product is prepared once for each shape and kept; one thread at a time may use an instance.
  @safe
  final class OneDNN {
    private let engine: dnnl_engine_t
    private let stream: dnnl_stream_t
    private var products: [Shape: onednn_product] = unsafe [:]

    private struct Shape: Hashable {
      let rows: Int, columns: Int, inner: Int
      let aStride: Int, bStride: Int, cStride: Int
      let transposesA: Bool, transposesB: Bool, accumulates: Bool
    }

    /// Only where there is no `obstacle`.
    init() {
      var engine: dnnl_engine_t?
      var stream: dnnl_stream_t?
      unsafe Self.check(dnnl_engine_create(&engine, dnnl_cpu, 0), "make an engine")
      unsafe Self.check(
        dnnl_stream_create(&stream, engine, dnnl_stream_default_flags.rawValue), "make a stream")
      guard let engine = unsafe engine, let stream = unsafe stream else {
        fatalError("oneDNN made nothing")
      }
      unsafe self.engine = engine
      unsafe self.stream = stream
    }

    deinit {
      unsafe products.values.forEach { unsafe onednn_product_destroy($0) }
      unsafe dnnl_stream_destroy(stream)
      unsafe dnnl_engine_destroy(engine)
    }

    /// c = op(a) op(b), or c += op(a) op(b), where op transposes if asked.
    func multiply(
      _ a: BFloat16View, _ transposesA: Bool, _ b: BFloat16View, _ transposesB: Bool,
      accumulates: Bool, _ c: MutableMatrixView
    ) {
      let inner = transposesA ? a.rows : a.columns
      precondition(
        (transposesA ? a.columns : a.rows) == c.rows
          && (transposesB ? b.rows : b.columns) == c.columns
          && (transposesB ? b.columns : b.rows) == inner, "shapes do not fit a product")
      guard c.rows > 0 && c.columns > 0 else { return }
      guard inner > 0 else {
        if !accumulates { c.zero() }
        return
      }
      let shape = Shape(
        rows: c.rows, columns: c.columns, inner: inner, aStride: a.stride, bStride: b.stride,
        cStride: c.stride, transposesA: transposesA, transposesB: transposesB,
        accumulates: accumulates)
      let product = unsafe products[shape] ?? prepare(shape)
      unsafe Self.check(
        onednn_product_run(product, a.base, b.base, c.base, stream), "multiply matrices")
    }

    private func prepare(_ shape: Shape) -> onednn_product {
      var product = unsafe onednn_product()
      let strides = { (stride: Int, transposes: Bool) in
        transposes ? (1, Int64(stride)) : (Int64(stride), 1)
      }
      let described = onednn_shape(
        rows: Int64(shape.rows), columns: Int64(shape.columns), inner: Int64(shape.inner),
        a_strides: strides(shape.aStride, shape.transposesA),
        b_strides: strides(shape.bStride, shape.transposesB), c_stride: Int64(shape.cStride),
        accumulates: shape.accumulates)
      unsafe Self.check(onednn_product_create(&product, described, engine), "prepare a product")
      unsafe products[shape] = product
      return unsafe product
    }

    /// Shapes were checked before, so a failure means that memory ran out or that the library is broken.
    private static func check(_ status: dnnl_status_t, _ attempt: String) {
      guard status == dnnl_success else {
        fatalError("oneDNN could not \(attempt): status \(status.rawValue)")
      }
    }

    // MARK: The library

    /// Why the library cannot be used here, as a sentence with what to do; nil if it can.
    static var obstacle: String? {
      onednn_has_bfloat16()
        ? nil
        : "this processor does not multiply bfloat16 itself (AVX-512 BF16 or AMX), and emulating it"
          + " is slower than 32 bits; use precision: float32"
    }

    /// The library's name and version with the instruction set it uses.
    static var version: String {
      let version = unsafe dnnl_version().pointee
      let family = String(dnnl_get_effective_cpu_isa().rawValue, radix: 16)
      return unsafe "oneDNN \(version.major).\(version.minor).\(version.patch) isa 0x\(family)"
    }

    /// Threads that one product may use.
    static func setThreadCount(_ count: Int) {
      // Debian's build runs on libgomp, whose header comes with a C compiler only.
      guard let symbol = unsafe dlsym(nil, "omp_set_num_threads") else { return }
      let set = unsafe unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Void).self)
      set(Int32(count))
    }
  }
#else
  /// What is left of oneDNN in a build without the trait of that name.
  enum OneDNN {
    static let obstacle: String? =
      "this program was built without oneDNN; use precision: float32, or build it with the OneDNN"
      + " trait"
    static let version = "no oneDNN"
    static func setThreadCount(_ count: Int) {}
  }
#endif
