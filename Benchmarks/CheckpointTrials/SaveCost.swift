internal import Checkpoints
internal import Foundation
internal import Glibc

/// The seconds of each part of writing a checkpoint.
struct SaveCost {
  /// A base model's layers, its module's inputs and outputs; adapters of all seven projections.
  struct Shape {
    let name: String
    let layers: Int
    let modules: [(name: String, input: Int, output: Int)]

    func tensors(rank: Int) -> [CheckpointTensor] {
      (0..<layers).flatMap { layer in
        modules.flatMap { module in
          [
            CheckpointTensor(
              name: "layers.\(layer).\(module.name).lora_A", rows: rank, columns: module.input),
            CheckpointTensor(
              name: "layers.\(layer).\(module.name).lora_B", rows: module.output, columns: rank),
          ]
        }
      }
    }

    init(_ name: String, layers: Int, hidden: Int, keyValue: Int, intermediate: Int) {
      self.name = name
      self.layers = layers
      modules = [
        ("self_attn.q_proj", hidden, hidden), ("self_attn.k_proj", hidden, keyValue),
        ("self_attn.v_proj", hidden, keyValue), ("self_attn.o_proj", hidden, hidden),
        ("mlp.gate_proj", hidden, intermediate), ("mlp.up_proj", hidden, intermediate),
        ("mlp.down_proj", intermediate, hidden),
      ]
    }
  }

  static let shapes = [
    Shape("SmolLM2-135M", layers: 30, hidden: 576, keyValue: 192, intermediate: 1536),
    Shape("Qwen2.5-7B", layers: 28, hidden: 3584, keyValue: 512, intermediate: 18944),
  ]

  private static func checkpoint(_ shape: Shape) -> Checkpoint {
    let tensors = shape.tensors(rank: 16)
    let count = tensors.reduce(0) { $0 + $1.elementCount }
    var generator = SeededGenerator(state: 1)
    func values() -> [Float] {
      (0..<count).map { _ in Float(Int32(truncatingIfNeeded: generator.next())) * 1e-11 }
    }
    return Checkpoint(
      tensors: tensors, parameters: values(), firstMoment: values(), secondMoment: values(),
      step: 100, epoch: 0, windowInEpoch: 100, totalSteps: 1000, seed: 1, tokensSeen: 1_000_000,
      configuration: "{}", provenance: "{}",
      history: (0..<100).map { "{\"step\": \($0), \"loss\": 1.25}" }, state: "{}")
  }

  static let header =
    "| adapter, rank 16 | parameters | bytes | build | digest | write | fsync | verify | whole | load |\n"
    + "|---|---|---|---|---|---|---|---|---|---|"

  /// A line of the table: medians in milliseconds, of the clock and of the processor.
  static func measure(_ shape: Shape, repetitions: Int, folder: String) throws -> String {
    let checkpoint = checkpoint(shape)
    let store = CheckpointStore(folder: folder)
    try store.prepare()
    var parts: [[Duration]] = Array(repeating: [], count: 7)
    var size = 0
    for _ in 0..<repetitions {
      var bytes: [UInt8] = []
      parts[0].append(
        try time {
          bytes = try HDF5File.build(userBlockBytes: CheckpointSeal.byteCount) {
            (root) throws(HDF5Error) in try checkpoint.write(to: root)
          }
        })
      parts[1].append(time { CheckpointSeal.seal(&bytes) })
      size = bytes.count
      let path = folder + "/parts.h5"
      let (write, sync) = try Self.write(bytes, path)
      parts[2].append(write)
      parts[3].append(sync)
      parts[4].append(try time { try CheckpointFile.verify(path) })
      bytes = []
      var saved = ""
      parts[5].append(try time { saved = try store.save(checkpoint) })
      parts[6].append(try time { _ = try Checkpoint(contentsOfFile: saved) })
      unsafe unlink(path)
      unsafe unlink(saved)
    }
    let cells =
      [shape.name, String(checkpoint.parameters.count), String(size)] + parts.map(median)
    return "| " + cells.joined(separator: " | ") + " |"
  }

  /// Milliseconds of the clock and of the processor.
  private typealias Duration = (clock: Double, processor: Double)

  private static func median(_ durations: [Duration]) -> String {
    let middle = durations.count / 2
    let clock = durations.map(\.clock).sorted()[middle]
    let processor = durations.map(\.processor).sorted()[middle]
    return String(format: "%.0f / %.0f", clock, processor)
  }

  private static func write(_ bytes: [UInt8], _ path: String) throws -> (Duration, Duration) {
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard file >= 0 else { throw TrialError.unexpected("cannot create \(path)") }
    defer { close(file) }
    let written = try time {
      var done = 0
      while done < bytes.count {
        let count = unsafe bytes.withUnsafeBytes {
          unsafe Glibc.write(file, $0.baseAddress.map { unsafe $0 + done }, $0.count - done)
        }
        guard count > 0 else { throw TrialError.unexpected("cannot write \(path)") }
        done += count
      }
    }
    return (written, time { _ = fsync(file) })
  }

  private static func time(_ body: () throws -> Void) rethrows -> Duration {
    let (start, used) = (ContinuousClock.now, clock())
    try body()
    let parts = start.duration(to: .now).components
    let elapsed = Double(parts.seconds) * 1e3 + Double(parts.attoseconds) * 1e-15
    return (elapsed, Double(clock() - used) * 1e3 / Double(CLOCKS_PER_SEC))
  }
}
