import Testing
import VectorKernels

struct DropoutKernelTests {
  private static let key: UInt64 = 0x0123_4567_89AB_CDEF
  private static let words: [UInt32] = [5, 9, 77]
  private static let stream = vk_stream(key: key, purpose: 5, first: 9, second: 77)

  /// Philox 4x32-10 as its paper defines it, written apart from the kernel.
  private static func philox(_ counter: [UInt32], key: UInt64) -> [UInt32] {
    var c = counter
    var (k0, k1) = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    for _ in 0..<10 {
      let first = c[0].multipliedFullWidth(by: 0xD251_1F53)
      let second = c[2].multipliedFullWidth(by: 0xCD9E_8D57)
      c = [second.high ^ c[1] ^ k0, second.low, first.high ^ c[3] ^ k1, first.low]
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return c
  }

  /// The 16 random bits of element `index`.
  private static func bits(_ index: Int) -> UInt32 {
    let words = philox([UInt32(index / 8)] + words, key: key)
    return words[index % 8 / 2] >> (index % 2 == 0 ? 0 : 16) & 0xFFFF
  }

  /// The vectors that Random123 publishes (kat_vectors, philox4x32 10).
  @Test(
    arguments: [
      (
        [UInt32](repeating: 0, count: 4), UInt64(0),
        [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
      ),
      (
        [UInt32](repeating: .max, count: 4), UInt64.max,
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], 0x299f_31d0_a409_3822,
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ] as [([UInt32], UInt64, [UInt32])])
  func `philox gives the published answers`(counter: [UInt32], key: UInt64, answer: [UInt32]) {
    var result = [UInt32](repeating: 0, count: 4)
    unsafe vk_philox(counter, key, &result)
    #expect(result == answer)
    #expect(Self.philox(counter, key: key) == answer)
  }

  @Test(arguments: kernelLengths + [127, 128, 129, 300], [UInt32(1), 32768, 58982, 65535])
  func `elements are kept where their 16 bits are below the threshold`(
    count: Int, threshold: UInt32
  ) {
    let x = (0..<count).map { Float($0 + 1) }
    let multipliers = (0..<count).map { Self.bits($0) < threshold ? Float(1.25) : 0 }
    var mask = [UInt8](repeating: 0, count: (count + 7) / 8) + [0xA5]
    unsafe vk_dropout_mask(&mask, threshold, Self.stream, count)
    #expect(mask.last == 0xA5)
    var y = [Float](repeating: .nan, count: count) + [-7]
    unsafe vk_masked(x, mask, 1.25, &y, count)
    #expect(y == zip(x, multipliers).map { $0 * $1 } + [-7])
    var narrow = [UInt16](repeating: 7, count: count + 1)
    var rounded = narrow
    unsafe vk_masked_bf16(x, mask, 1.25, &narrow, count)
    unsafe vk_narrow_bf16(y, 1, &rounded, count)
    #expect(narrow == rounded)
    var sum = (0..<count).map { -Float($0) } + [-7]
    let start = sum
    unsafe vk_masked_add(x, mask, 1.25, &sum, count)
    #expect(sum == (0..<count).map { start[$0] + x[$0] * multipliers[$0] } + [-7])
  }

  /// The chance of 16 bits being even by luck as far off as asked for is below 1e-9.
  @Test func `the bits are even`() {
    let count = 1 << 16
    let mean = (0..<count).reduce(0.0) { $0 + Double(Self.bits($1)) } / Double(count)
    #expect(abs(mean / 32767.5 - 1) < 6 * 0.577 / 256)
  }
}
