internal import Collective
internal import Glibc
internal import VectorKernels

/// Times the exact sum of gradients against a plain sum in floats, on as many ranks as mpirun starts.
///
/// Usage: CollectiveBenchmark [elements ...]; by default the adapters of the embedded model, of SmolLM2-135M and of
/// Qwen2.5-7B at rank 16. Prints a line of a Markdown table for each; times are medians, of the slowest rank.
@main
struct CollectiveBenchmark {
  static let sizes = [150_000, 4_884_480, 40_370_176]

  static func main() throws {
    let environment = try MPIEnvironment()
    let ranks = try environment.world()
    let given = CommandLine.arguments.dropFirst().compactMap { Int($0) }
    for elements in given.isEmpty ? sizes : given {
      let exact = try measureExact(elements, ranks)
      let plain = try measurePlain(elements, ranks)
      if ranks.isRoot { print(line(elements, ranks.worldSize, exact, plain)) }
    }
    try environment.finalize()
  }

  /// Milliseconds of the three parts of a sum.
  struct Parts {
    /// Of a micro-batch: emptying the gradients where the method needs it, and adding them.
    var add: [Double] = []
    /// Of a window: the all-reduce, and turning the sum into gradients.
    var allReduce: [Double] = []
    var write: [Double] = []
  }

  private static func repetitions(_ elements: Int) -> Int { elements > 10_000_000 ? 7 : 15 }

  private static func gradients(_ elements: Int, _ rank: Int) -> [Float] {
    (0..<elements).map { Float(($0 &* 7919 &+ rank) % 2001 - 1000) * 1e-4 }
  }

  private static func measureExact(_ elements: Int, _ ranks: Communicator) throws -> Parts {
    var gradients = gradients(elements, ranks.rank)
    var arena = gradients
    var sum = ExactSum(count: elements, contributions: 16)
    var parts = Parts()
    for _ in 0..<repetitions(elements) {
      try sum.reset()
      // The last micro-batch's gradients leave the arena before the next is computed.
      parts.add.append(
        time {
          zero(&arena)
          sum.add(gradients.span)
        })
      try ranks.barrier()
      parts.allReduce.append(try time { try sum.allReduce(over: ranks) })
      parts.write.append(time { write(sum, into: &gradients) })
    }
    return try parts.onSlowest(ranks)
  }

  private static func measurePlain(_ elements: Int, _ ranks: Communicator) throws -> Parts {
    let gradients = gradients(elements, ranks.rank)
    var sum = gradients
    var parts = Parts()
    for _ in 0..<repetitions(elements) {
      parts.add.append(time { add(gradients, to: &sum) })
      try ranks.barrier()
      parts.allReduce.append(try time { try ranks.allReduce(&sum, operation: .sum) })
      parts.write.append(time { scale(&sum) })
    }
    return try parts.onSlowest(ranks)
  }

  private static func zero(_ values: inout [Float]) {
    var span = values.mutableSpan
    span.update(repeating: 0)
  }

  private static func write(_ sum: borrowing ExactSum, into values: inout [Float]) {
    var span = values.mutableSpan
    sum.write(scaledBy: 1e-3, into: &span)
  }

  private static func add(_ values: [Float], to sum: inout [Float]) {
    unsafe sum.withUnsafeMutableBufferPointer { sum in
      if let base = sum.baseAddress { unsafe vk_add(values, base, values.count) }
    }
  }

  private static func scale(_ values: inout [Float]) {
    var span = values.mutableSpan
    for index in span.indices { span[index] *= 1e-3 }
  }

  /// Milliseconds that `body` takes.
  private static func time<Failure: Error>(
    _ body: () throws(Failure) -> Void
  ) throws(Failure) -> Double {
    let start = ContinuousClock.now
    try body()
    let parts = start.duration(to: .now).components
    return Double(parts.seconds) * 1e3 + Double(parts.attoseconds) * 1e-15
  }

  private static func line(_ elements: Int, _ ranks: Int, _ exact: Parts, _ plain: Parts) -> String
  {
    let pairs = [
      (exact.add[0], plain.add[0]), (exact.allReduce[0], plain.allReduce[0]),
      (exact.write[0], plain.write[0]),
    ]
    let cells = pairs.map { "\(text($0)) | \(text($1))" }
    return "| \(elements) | \(ranks) | " + cells.joined(separator: " | ") + " |"
  }

  private static func text(_ milliseconds: Double) -> String {
    let hundredths = Int((milliseconds * 100).rounded())
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
  }
}

extension CollectiveBenchmark.Parts {
  /// The medians, each of the rank that took longest.
  fileprivate func onSlowest(_ ranks: Communicator) throws -> Self {
    func slowest(_ values: [Double]) throws -> [Double] {
      [try ranks.maximum(values.sorted()[values.count / 2])]
    }
    return try Self(
      add: slowest(add), allReduce: slowest(allReduce), write: slowest(write))
  }
}
