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
