import Checkpoints
import Foundation

/// A generator whose numbers depend on the seed alone (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Any float that is not NaN, by its bits: denormal, huge and negative zero as likely as others.
  mutating func float() -> Float {
    while true {
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: next()))
      if !value.isNaN { return value }
    }
  }
}

/// A folder that is deleted with its owner.
final class CheckpointFolder {
  let path: String

  init() throws {
    let parent = FileManager.default.temporaryDirectory.path
    path = "\(parent)/checkpoint-tests-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }
}

extension Checkpoint {
  /// Two layers of adapters on two projections, with sizes that differ.
  static let sampleTensors = (0..<2).reversed().flatMap { layer in
    [("q_proj", 24, 16), ("down_proj", 16, 40)].flatMap { module, output, input in
      let name =
        "layers.\(layer)." + (module == "q_proj" ? "self_attn." : "mlp.") + module
      return [
        CheckpointTensor(name: name + ".lora_A", rows: 4, columns: input),
        CheckpointTensor(name: name + ".lora_B", rows: output, columns: 4),
      ]
    }
  }

  static func sample(
    seed: UInt64 = 7, step: Int = 120, tensors: [CheckpointTensor] = sampleTensors,
    history: [String] = ["{\"step\": 1, \"loss\": 3.25}", "{\"step\": 2, \"loss\": 2.5}"]
  ) -> Checkpoint {
    var generator = SeededGenerator(state: seed)
    let count = tensors.reduce(0) { $0 + $1.elementCount }
    let parameters = (0..<count).map { _ in generator.float() }
    let firstMoment = (0..<count).map { _ in generator.float() }
    let secondMoment = (0..<count).map { _ in generator.float() }
    return Checkpoint(
      tensors: tensors, parameters: parameters, firstMoment: firstMoment,
      secondMoment: secondMoment, step: step, epoch: 3, windowInEpoch: 14, totalSteps: 500,
      seed: generator.next(), tokensSeen: 1_234_567,
      configuration: "{\"lora_r\": 4, \"note\": \"Z\u{FC}rich \u{1F9EA}\"}",
      provenance: "{\"model\": \"sha256:00\"}", history: history, state: "{\"loss_sum\": 0.1}")
  }

  /// All floats by their bits, which tell -0 from 0 and keep NaN comparable.
  var bits: [UInt32] { (parameters + firstMoment + secondMoment).map(\.bitPattern) }
}

/// What `body` throws as a `CheckpointError`; nil if it throws nothing.
func checkpointError(of body: () throws(CheckpointError) -> Void) -> CheckpointError? {
  do throws(CheckpointError) {
    try body()
    return nil
  } catch {
    return error
  }
}

func contents(of path: String) throws -> [UInt8] {
  try Array(Data(contentsOf: URL(fileURLWithPath: path)))
}

func put(_ bytes: some Sequence<UInt8>, at path: String) throws {
  try Data(bytes).write(to: URL(fileURLWithPath: path))
}
