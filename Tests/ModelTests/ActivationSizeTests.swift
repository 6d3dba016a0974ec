internal import Foundation
internal import Model
internal import TestSupport
internal import Testing

struct ActivationSizeTests {
  /// Bytes of memory of no file that this process has asked for, touched or not.
  private static func privateBytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmData:") })
    return try #require(
      line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
      * 1024
  }

  /// Allocates a buffer and compares what the kernel says with what the plan says; in a process of its own because other
  /// tests allocate too.
  private static func differs(
    type: String, tokens: Int, keeps: Bool, rank: Int?, _ precision: Precision = .float32,
    _ checkpointing: ActivationCheckpointing = .none
  ) throws -> Double {
    let tiny = try TinyQwen(type: type, vocabulary: 5000, hidden: 96, layers: 3, intermediate: 200)
    let lora = rank.map {
      LoRAConfiguration(rank: $0, alpha: 1, dropout: 0.1, targets: Projection.allCases)
    }
    let model = try tiny.model(
      lora.map { AdapterLayout(tiny.configuration, $0) }, longestSequence: 700, precision: precision
    )
    let plan = ActivationPlan(
      tokens: tokens, sequence: 700, targets: 900, keepsForBackward: keeps,
      checkpointing: checkpointing)
    let planned = plan.byteCount(
      tiny.configuration, rank: rank ?? 0, hasDropout: rank != nil, precision: precision,
      isAsItLies: precision == .float32)
    let before = try Self.privateBytes()
    let buffer = ActivationBuffer(plan, for: model)
    let measured = try Self.privateBytes() - before
    precondition(buffer.plan == plan)
    precondition(planned > 100 << 20, "small differences of the heap must not count")
    return abs(Double(measured - planned)) / Double(planned)
  }

  /// The same for an encoder.
  private static func encoderDiffers(
    _ family: String, keeps: Bool, _ precision: Precision = .float32
  ) throws -> Double {
    let tiny = try TinyEncoder(
      family, hidden: 96, layers: 3, intermediate: 200, dropout: 0.1, precision: precision)
    let pair = EncodedPair(
      tokens: [Int32](repeating: 3, count: 80), types: [Int32](repeating: 0, count: 80))
    var batch = ChoiceBatch()
    for _ in 0..<(keeps ? 60 : 300) { batch.append([pair, pair, pair], answer: 0) }
    let plan = EncoderPlan(fitting: [batch], keepsForBackward: keeps)
    let planned = plan.byteCount(tiny.configuration, precision: precision)
    let before = try Self.privateBytes()
    let buffer = EncoderActivations(plan, for: tiny.model)
    let measured = try Self.privateBytes() - before
    precondition(buffer.plan == plan)
    precondition(planned > 100 << 20, "small differences of the heap must not count")
    return abs(Double(measured - planned)) / Double(planned)
  }

  @Test func `an encoder needs what is planned to train and to score`() async {
    await #expect(processExitsWith: .success) {
      for keeps in [true, false] {
        let difference = try Self.encoderDiffers("bert", keeps: keeps)
        precondition(difference < 0.01, "differs by \(difference)")
      }
    }
  }

  // Forty buffers are each rounded up to pages: 0.16 MB of a hundred.
  @Test func `qwen2 with an adapter needs what is planned`() async {
    await #expect(processExitsWith: .success) {
      let difference = try Self.differs(type: "qwen2", tokens: 9000, keeps: true, rank: 8)
      precondition(difference < 0.01, "differs by \(difference)")
    }
  }

  @Test func `qwen3 with its head norms needs what is planned`() async {
    await #expect(processExitsWith: .success) {
      let difference = try Self.differs(type: "qwen3", tokens: 9000, keeps: true, rank: 4)
      precondition(difference < 0.01, "differs by \(difference)")
    }
  }

  @Test func `scoring without an adapter needs what is planned`() async {
    await #expect(processExitsWith: .success) {
      let difference = try Self.differs(type: "llama", tokens: 40_000, keeps: false, rank: nil)
      precondition(difference < 0.01, "differs by \(difference)")
    }
  }

  @Test func `bfloat16 rounds its operands into what is planned`() async {
    await #expect(processExitsWith: .success) {
      guard Precision.bfloat16.obstacle == nil else { return }
      let difference = try Self.differs(
        type: "qwen2", tokens: 9000, keeps: true, rank: 8, .bfloat16)
      precondition(difference < 0.01, "differs by \(difference)")
    }
  }

  @Test func `activation checkpointing needs what is planned`() async {
    await #expect(processExitsWith: .success) {
      let difference = try Self.differs(
        type: "qwen3", tokens: 20_000, keeps: true, rank: 4, .float32, .full)
      precondition(difference < 0.01, "differs by \(difference)")
    }
  }

  @Test func `panels count where weights are widened`() throws {
    let tiny = try TinyQwen(vocabulary: 5000, hidden: 96, intermediate: 200)
    let plan = ActivationPlan(tokens: 10, sequence: 10, targets: 1, keepsForBackward: false)
    func bytes(isAsItLies: Bool) -> Int {
      plan.byteCount(
        tiny.configuration, rank: 0, hasDropout: false, precision: .float32, isAsItLies: isAsItLies)
    }
    // The head's panel: 2^18 / 96 rows of 96.
    #expect(bytes(isAsItLies: false) - bytes(isAsItLies: true) == 4 * (262_144 / 96 * 96))
  }
}
