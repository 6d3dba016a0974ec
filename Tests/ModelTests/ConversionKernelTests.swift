import Testing
import VectorKernels

struct ConversionKernelTests {
  private static let patterns = (0...UInt16.max).map { $0 }

  private func expectSame(_ actual: [Float], _ expected: (UInt16) -> Float) {
    for (pattern, value) in zip(Self.patterns, actual) {
      let reference = expected(pattern)
      guard reference.isNaN ? value.isNaN : value.bitPattern == reference.bitPattern else {
        Issue.record("\(pattern) became \(value) instead of \(reference)")
        return
      }
    }
  }

  @Test func `every binary16 pattern is widened exactly`() {
    var values = [Float](repeating: 1, count: 65536)
    unsafe vk_widen_f16(Self.patterns, &values, 65536)
    expectSame(values) { Float(Float16(bitPattern: $0)) }
  }

  @Test func `every bfloat16 pattern is widened exactly`() {
    var values = [Float](repeating: 1, count: 65536)
    unsafe vk_widen_bf16(Self.patterns, &values, 65536)
    expectSame(values) { Float(bitPattern: UInt32($0) << 16) }
  }

  @Test func `narrowing rounds every pattern's neighbourhood to nearest even`() {
    for upper in Self.patterns {
      let lows: [UInt32] = [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF]
      let values = lows.map { Float(bitPattern: UInt32(upper) << 16 | $0) }
      var narrow = [UInt16](repeating: 0, count: values.count)
      unsafe vk_narrow_bf16(values, 1, &narrow, values.count)
      for (value, result) in zip(values, narrow) {
        let wide = Float(bitPattern: UInt32(result) << 16)
        guard !value.isNaN else {
          if !wide.isNaN { Issue.record("NaN \(value.bitPattern) became \(wide)") }
          continue
        }
        let low = value.bitPattern & 0xFFFF
        let up = low > 0x8000 || (low == 0x8000 && upper & 1 == 1)
        #expect(result == upper &+ (up ? 1 : 0), "\(value.bitPattern)")
      }
    }
  }

  @Test(arguments: kernelLengths)
  func `narrowing scales first and stops at the end`(count: Int) {
    let source = (0..<count).map { Float($0) - 3.3 }
    var narrow = [UInt16](repeating: 7, count: count + 1)
    unsafe vk_narrow_bf16(source, 2, &narrow, count)
    let expected = source.map { value -> UInt16 in
      let bits = (2 * value).bitPattern
      return UInt16(truncatingIfNeeded: (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    }
    #expect(narrow == expected + [7])
    var rounded = source.map { 2 * $0 } + [7.7]
    unsafe vk_round_bf16(&rounded, count)
    #expect(rounded == expected.map { Float(bitPattern: UInt32($0) << 16) } + [7.7])
  }

  @Test(arguments: kernelLengths)
  func `short runs are widened to their end and no further`(count: Int) {
    let source = (0..<count).map { UInt16(truncatingIfNeeded: 0x3C00 + 7 * $0) }
    var halves = [Float](repeating: -1, count: count + 1)
    unsafe vk_widen_f16(source, &halves, count)
    #expect(halves == source.map { Float(Float16(bitPattern: $0)) } + [-1])
    var brains = [Float](repeating: -1, count: count + 1)
    unsafe vk_widen_bf16(source, &brains, count)
    #expect(brains == source.map { Float(bitPattern: UInt32($0) << 16) } + [-1])
  }
}
