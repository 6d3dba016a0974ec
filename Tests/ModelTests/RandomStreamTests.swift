import Model
import Testing

struct RandomStreamTests {
  /// The known answers that Random123 publishes for Philox 4x32-10.
  @Test func `Philox gives its published values`() {
    #expect(
      RandomStream.philox(counter: [0, 0, 0, 0], key: 0)
        == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    #expect(
      RandomStream.philox(counter: [.max, .max, .max, .max], key: .max)
        == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
    #expect(
      RandomStream.philox(
        counter: [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], key: 0x299f_31d0_a409_3822)
        == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }

  @Test func `a permutation holds every index and depends on its purpose`() {
    var split = RandomStream(seed: 42, purpose: .split)
    var epoch = RandomStream(seed: 42, purpose: .epochOrder)
    let order = split.permutation(100)
    #expect(order.sorted() == Array(0..<100))
    #expect(order != epoch.permutation(100))
  }

  @Test(arguments: [1, 2, 7, 31, 32, 33, 500])
  func `filling a matrix gives the stream's numbers one by one`(count: Int) {
    var stream = RandomStream(seed: 77, purpose: .adapterInitialization, 5, 9)
    let expected = (0..<count).map { _ in (2 * stream.uniform() - 1) * Float(0.3) }
    let filled = FloatBuffer(count: count + 1)
    RandomStream(seed: 77, purpose: .adapterInitialization, 5, 9).fill(
      filled.matrix(1, count), within: 0.3)
    #expect(filled.array() == expected + [0])
  }
}

struct LearningRateScheduleTests {
  /// The twelve logged rows of the published Qwen2.5-7B run: 125 updates, 100 of warmup, 2e-4.
  @Test(arguments: [
    (10, 1.8e-5), (20, 3.8e-5), (30, 5.8e-5), (40, 7.8e-5), (50, 9.8e-5), (60, 1.18e-4),
    (70, 1.38e-4), (80, 1.58e-4), (90, 1.78e-4), (100, 1.98e-4), (110, 1.28e-4), (120, 4.8e-5),
  ])
  func `the schedule gives every row of the published table`(step: Int, rate: Double) {
    let schedule = LearningRateSchedule(
      shape: .linear, peak: 2e-4, warmupSteps: 100, totalSteps: 125)
    #expect(abs(schedule.learningRate(ofStep: step) - rate) < 1e-12)
  }

  @Test(arguments: LearningRateSchedule.Shape.allCases, [0, 1, 5, 9, 20])
  func `the rate stays between 0 and its peak, whatever the numbers of steps`(
    shape: LearningRateSchedule.Shape, warmup: Int
  ) {
    for total in [0, 1, 5, 9] {
      let schedule = LearningRateSchedule(
        shape: shape, peak: 0.5, warmupSteps: warmup, totalSteps: total)
      let rates = (1...40).map { schedule.learningRate(ofStep: $0) }
      #expect(rates.allSatisfy { $0 >= 0 && $0 <= 0.5 })
      if warmup > 0 { #expect(rates[0] == 0) }
      if warmup < total { #expect(rates[warmup] == 0.5) }
      if shape == .linear, total > warmup { #expect(rates[total] == 0) }
    }
  }

  @Test func `cosine ends near zero and constant stays`() {
    let cosine = LearningRateSchedule(shape: .cosine, peak: 1, warmupSteps: 2, totalSteps: 12)
    #expect((1...3).map { cosine.learningRate(ofStep: $0) } == [0, 0.5, 1])
    #expect(abs(cosine.learningRate(ofStep: 8) - 0.5) < 1e-12)
    #expect(cosine.learningRate(ofStep: 13) < 1e-12)
    let constant = LearningRateSchedule(shape: .constant, peak: 1, warmupSteps: 1, totalSteps: 3)
    #expect((1...4).map { constant.learningRate(ofStep: $0) } == [0, 1, 1, 1])
  }
}
