import Testing
import TestSupport
import VectorKernels

struct FixedPointKernelTests {
  private static let scale = 0x1p40
  private static let limit: Float = 0x1p20

  @Test(arguments: kernelLengths)
  func `values are rounded half to even and added exactly`(count: Int) {
    let values = randomValues(count, seed: 1).enumerated().map { index, value in
      index % 4 == 0 ? Float(index) * 0x1p-41 : value * (index % 3 == 0 ? 1e6 : 1e-6)
    }
    var sums = (0..<count + 1).map { Int64($0) << 50 }
    let start = sums
    let first = unsafe vk_fixed_point_add(values, count, Self.scale, Self.limit, &sums)
    #expect(first == count)
    let expected = zip(start, values).map {
      $0 + Int64((Double($1) * Self.scale).rounded(.toNearestOrEven))
    }
    #expect(sums == expected + [start[count]])
    var floats = [Float](repeating: -1, count: count + 1)
    unsafe vk_fixed_point_write(sums, count, 0.3 / Self.scale, &floats)
    #expect(floats == expected.map { Float(Double($0) * (0.3 / Self.scale)) } + [-1])
  }

  @Test(
    arguments: [Float.nan, .infinity, -.infinity, limit.nextUp, -limit.nextUp], [0, 15, 16, 40])
  func `the first unusable value is named and left out`(value: Float, index: Int) {
    var values = [Float](repeating: 1, count: 41)
    values[index] = value
    values[40] = value
    var sums = [Int64](repeating: 3, count: 41)
    #expect(unsafe vk_fixed_point_add(values, 41, Self.scale, Self.limit, &sums) == index)
    for element in 0..<41 {
      #expect(sums[element] == 3 + (element == index || element == 40 ? 0 : 1 << 40))
    }
  }

  @Test func `the limit itself is usable`() {
    var sums: [Int64] = [0, 0]
    #expect(
      unsafe vk_fixed_point_add([Self.limit, -Self.limit], 2, Self.scale, Self.limit, &sums) == 2)
    #expect(sums == [1 << 60, -(1 << 60)])
  }
}
