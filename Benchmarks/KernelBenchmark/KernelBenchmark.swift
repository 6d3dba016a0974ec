import VectorKernels

/// Nanoseconds per element of every vector kernel, on one thread and in the second-level cache.
@main
struct KernelBenchmark {
  private static let count = 1 << 15
  private static let repetitions = 300

  static func main() {
    var bench = Self()
    print("| kernel | ns per element | GB/s |")
    print("|---|---|---|")
    bench.conversions()
    bench.layers()
    bench.softmax()
    bench.random()
    bench.training()
    print("\n| product of 109 rows with bfloat16 weights | forward | backward, GFLOP/s |")
    print("|---|---|---|")
    for (rows, columns) in [(576, 576), (1536, 576), (4864, 896), (18944, 3584)] {
      bench.products(rows, columns)
    }
  }

  /// Prints how fast rows are multiplied with weights [rows, columns] that come from memory, transposed and as they are.
  private func products(_ rows: Int, _ columns: Int) {
    let (tokens, copies) = (109, max(2, 200_000_000 / (rows * columns)))
    let weights = [UInt16](repeating: 0x3F80, count: copies * rows * columns)
    let pairs = [UInt16](repeating: 0x3F80, count: tokens * max(rows, columns))
    let floats = [Float](repeating: 1, count: tokens * max(rows, columns))
    var y = floats
    for isBFloat16 in [false, true] where isBFloat16 ? vk_multiplies_bf16() : vk_multiplies_f32() {
      let rates = [true, false].map { transposes in
        let (inner, outer) = transposes ? (columns, rows) : (rows, columns)
        let time = ContinuousClock().measure {
          for copy in 0..<copies {
            unsafe weights.withUnsafeBufferPointer { all in
              guard let base = all.baseAddress else { return }
              let part = unsafe vk_weights(
                elements: base + copy * rows * columns, stride: columns,
                is_bfloat16: true, is_transposed: transposes)
              if isBFloat16 {
                unsafe vk_multiply_bf16(pairs, inner, tokens, part, inner, outer, false, &y, outer)
              } else {
                unsafe vk_multiply_f32(floats, inner, tokens, part, inner, outer, false, &y, outer)
              }
            }
          }
        }
        let operations = Double(2 * tokens * copies * rows * columns)
        return Self.fixed(operations / (time / .nanoseconds(1)), 1)
      }
      print(
        "| [\(rows), \(columns)], \(isBFloat16 ? "bfloat16" : "float32") | \(rates[0]) | \(rates[1]) |"
      )
    }
  }

  private var x = (0..<count).map { Float($0 % 4093) * 1e-3 - 2 }
  private var y = [Float](repeating: 0.5, count: count)
  private var z = [Float](repeating: 0.25, count: count)
  private var w = [Float](repeating: 1, count: count)
  private var halves = [UInt16](repeating: 0x3F80, count: count)
  private var mask = [UInt8](repeating: 0xB7, count: count / 8)
  private var sums = [Int64](repeating: 0, count: count)

  /// Prints the fastest of many calls.
  ///
  /// - Parameter bytes: Read and written per element.
  private func report(_ name: String, bytes: Double, _ body: () -> Void) {
    var fastest = Duration.seconds(1)
    for _ in 0..<Self.repetitions { fastest = min(fastest, ContinuousClock().measure(body)) }
    let nanoseconds = fastest / .nanoseconds(1) / Double(Self.count)
    print("| \(name) | \(Self.fixed(nanoseconds, 1000)) | \(Self.fixed(bytes / nanoseconds, 10)) |")
  }

  private static func fixed(_ value: Double, _ unit: Double) -> Double {
    (value * unit).rounded() / unit
  }

  private mutating func conversions() {
    report("widen bfloat16", bytes: 6) { unsafe vk_widen_bf16(halves, &y, Self.count) }
    report("widen binary16", bytes: 6) { unsafe vk_widen_f16(halves, &y, Self.count) }
    report("narrow to bfloat16", bytes: 6) { unsafe vk_narrow_bf16(x, 1, &halves, Self.count) }
  }

  private mutating func layers() {
    report("RMSNorm", bytes: 12) { _ = unsafe vk_rms_norm(x, w, 1e-6, &y, Self.count) }
    report("RMSNorm backward", bytes: 20) {
      unsafe vk_rms_norm_backward(x, w, w, 0.9, &y, Self.count)
    }
    report("rotation", bytes: 12) { unsafe vk_rotate(&y, x, z, Self.count / 2) }
    report("SwiGLU", bytes: 12) { unsafe vk_swiglu(x, w, &y, Self.count) }
    report("SwiGLU backward", bytes: 20) {
      unsafe vk_swiglu_backward(x, w, w, &y, &z, Self.count)
    }
    report("add", bytes: 12) { unsafe vk_add(x, &y, Self.count) }
    report("dot", bytes: 8) { _ = unsafe vk_dot(x, w, Self.count) }
  }

  private mutating func softmax() {
    report("softmax", bytes: 8) {
      y = x
      _ = unsafe vk_softmax(&y, Self.count)
    }
    report("log-sum-exp of a part", bytes: 4) {
      var (largest, sum) = (-Float.infinity, Float(0))
      unsafe vk_log_sum_exp_add(x, Self.count, &largest, &sum)
    }
    report("softmax of a part", bytes: 8) {
      var (largest, sum) = (Float(5), Float(1))
      _ = unsafe vk_softmax_add(&y, Self.count, &largest, &sum)
    }
    report("exp of a difference", bytes: 8) { unsafe vk_exp_shifted(x, 1, &y, Self.count) }
    report("softmax backward", bytes: 12) { unsafe vk_softmax_backward(x, 0.5, &z, Self.count) }
  }

  private mutating func random() {
    let stream = vk_stream(key: 1, purpose: 2, first: 3, second: 4)
    report("dropout: draw a mask", bytes: 0.125) {
      unsafe vk_dropout_mask(&mask, 62_000, stream, Self.count)
    }
    report("dropout: apply a mask", bytes: 8.125) {
      unsafe vk_masked(x, mask, 1.05, &y, Self.count)
    }
    report("dropout: add masked", bytes: 12.125) {
      unsafe vk_masked_add(x, mask, 1.05, &y, Self.count)
    }
  }

  private mutating func training() {
    report("fixed-point add", bytes: 20) {
      _ = unsafe vk_fixed_point_add(x, Self.count, 0x1p30, 1e6, &sums)
    }
    report("fixed-point write", bytes: 12) {
      unsafe vk_fixed_point_write(sums, Self.count, 1e-9, &y)
    }
    report("sum of squares", bytes: 4) { _ = unsafe vk_sum_of_squares(x, Self.count) }
    let settings = vk_adamw_settings(
      learning_rate: 1e-4, weight_decay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
      beta1_complement: 0.1, beta2_complement: 0.001, first_correction: 0.1,
      second_correction: 0.001)
    report("AdamW", bytes: 28) {
      unsafe vk_adamw(&w, x, &y, &z, 1, settings, Self.count)
    }
  }
}
