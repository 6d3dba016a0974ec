import Checkpoints
import Foundation
import Subprocess
import Testing

@Suite struct CheckpointTests {
  private func roundTrip(_ checkpoint: Checkpoint) throws -> Checkpoint {
    let folder = try CheckpointFolder()
    let path = folder.path + "/file.h5"
    try checkpoint.write(toFile: path)
    return try Checkpoint(contentsOfFile: path)
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func `what is read is what was written, bit for bit`(seed: UInt64) throws {
    let checkpoint = Checkpoint.sample(seed: seed)
    let copy = try roundTrip(checkpoint)
    #expect(copy == checkpoint)
    #expect(copy.bits == checkpoint.bits)
  }

  @Test func `denormals, signed zeros, infinities and NaN payloads keep their bits`() throws {
    var checkpoint = Checkpoint.sample()
    let special: [Float] = [
      .leastNonzeroMagnitude, -.leastNonzeroMagnitude, -0.0, .infinity, -.infinity,
      .greatestFiniteMagnitude, Float(bitPattern: 0x7FC1_2345), Float(bitPattern: 0xFF81_2345),
    ]
    checkpoint.firstMoment.replaceSubrange(0..<special.count, with: special)
    checkpoint.parameters.replaceSubrange(5..<5 + special.count, with: special)
    #expect(try roundTrip(checkpoint).bits == checkpoint.bits)
  }

  @Test func `numbers at the ends of their ranges come back`() throws {
    var checkpoint = Checkpoint.sample(step: .max)
    checkpoint.seed = .max
    checkpoint.tokensSeen = .max
    checkpoint.windowInEpoch = 0
    #expect(try roundTrip(checkpoint) == checkpoint)
  }

  @Test(arguments: [0, 1, 5_000])
  func `histories of any length come back`(lines: Int) throws {
    let history = (0..<lines).map {
      "{\"step\": \($0), \"loss\": \(Double($0).squareRoot()), \"x\": \"\u{E9}\"}"
    }
    #expect(try roundTrip(.sample(history: history)).history == history)
  }

  @Test func `empty lines and empty texts come back`() throws {
    var checkpoint = Checkpoint.sample(history: ["", "a", "", "b\r", ""])
    checkpoint.state = ""
    checkpoint.provenance = ""
    #expect(try roundTrip(checkpoint) == checkpoint)
  }

  @Test func `texts longer than an attribute may be come back`() throws {
    var checkpoint = Checkpoint.sample()
    checkpoint.configuration = "\"" + String(repeating: "long ", count: 60_000) + "\""
    #expect(try roundTrip(checkpoint) == checkpoint)
  }

  @Test func `tensors of more than one chunk come back`() throws {
    let tensors = [
      CheckpointTensor(name: "wide.lora_A", rows: 3, columns: 1_500_001),
      CheckpointTensor(name: "tall.lora_B", rows: 300_001, columns: 5),
    ]
    let checkpoint = Checkpoint.sample(tensors: tensors)
    #expect(try roundTrip(checkpoint).bits == checkpoint.bits)
  }

  @Test(arguments: [(8, 1 << 17), (1, (1 << 20) + 1), ((1 << 20) + 1, 1)])
  func `a file is hardly larger than its content`(rows: Int, columns: Int) throws {
    let tensor = CheckpointTensor(name: "a.lora_A", rows: rows, columns: columns)
    let bytes = try Checkpoint.sample(tensors: [tensor]).sealedBytes()
    #expect(bytes.count < tensor.elementCount * 12 + 100_000)
  }

  @Test func `equal checkpoints give equal bytes, at any time`() async throws {
    let first = try Checkpoint.sample().sealedBytes()
    // HDF5's times have a resolution of one second.
    try await Task.sleep(for: .seconds(1.1))
    _ = try Checkpoint.sample(seed: 99).sealedBytes()
    #expect(try Checkpoint.sample().sealedBytes() == first)
  }

  @Test func `every value is in the bytes`() throws {
    let original = Checkpoint.sample()
    var changed = [Checkpoint](repeating: original, count: 12)
    changed[0].parameters[3].negate()
    changed[1].firstMoment[3].negate()
    changed[2].secondMoment[3].negate()
    changed[3].step += 1
    changed[4].epoch += 1
    changed[5].windowInEpoch += 1
    changed[6].totalSteps += 1
    changed[7].seed += 1
    changed[8].tokensSeen += 1
    changed[9].configuration = "{}"
    changed[10].provenance = "{}"
    changed[11].state = "{}"
    let digests = try Set(([original] + changed).map { try $0.sealedBytes()[24..<56] })
    #expect(digests.count == 13)
  }

  struct Fault: Sendable {
    let reason: String
    let change: @Sendable (inout Checkpoint) -> Void

    init(_ reason: String, _ change: @escaping @Sendable (inout Checkpoint) -> Void) {
      self.reason = reason
      self.change = change
    }
  }

  @Test(arguments: [
    Fault("there is no tensor") { $0.tensors = [] },
    Fault("occurs twice") { $0.tensors.append($0.tensors[0]) },
    Fault("parameters has") { $0.parameters.removeLast() },
    Fault("firstMoment has") { $0.firstMoment.append(0) },
    Fault("secondMoment has") { $0.secondMoment = [] },
    Fault("step is negative") { $0.step = -1 },
    Fault("epoch is negative") { $0.epoch = -1 },
    Fault("line 2 of the history") { $0.history[1] += "\n" },
    Fault("U+0000") { $0.state = "a\0b" },
    Fault("impossible shape") { $0.tensors[0] = .init(name: "a.b", rows: 0, columns: 4) },
    Fault("impossible shape") { $0.tensors[0] = .init(name: "a.b", rows: .max, columns: 4) },
    Fault("not a tensor's name") { $0.tensors[0] = .init(name: "../a.b", rows: 4, columns: 16) },
    Fault("not a tensor's name") { $0.tensors[0] = .init(name: "a..b", rows: 4, columns: 16) },
    Fault("not a tensor's name") { $0.tensors[0] = .init(name: "a", rows: 4, columns: 16) },
  ])
  func `what cannot be stored is refused with the reason`(fault: Fault) throws {
    var checkpoint = Checkpoint.sample()
    fault.change(&checkpoint)
    let error = checkpointError { () throws(CheckpointError) in _ = try checkpoint.sealedBytes() }
    #expect(
      error?.description.contains(fault.reason) == true, "\(String(describing: error))")
  }
}

@Suite struct CheckpointFormatTests {
  @Test func `the first 512 bytes are as documented`() throws {
    let bytes = try Checkpoint.sample().sealedBytes()
    #expect(Array(bytes[0..<8]) == [0x89, 0x44, 0x54, 0x43, 0x4B, 0x0D, 0x0A, 0x1A])
    #expect(Array(bytes[8..<16]) == [1, 0, 0, 0, 0, 2, 0, 0])
    let length = bytes[16..<24].reversed().reduce(0) { $0 << 8 | Int($1) }
    #expect(length == bytes.count - 512)
    #expect(bytes[56..<512].allSatisfy { $0 == 0 })
    #expect(Array(bytes[512..<520]) == [0x89] + Array("HDF\r\n\u{1A}\n".utf8))
  }

  private static let hasH5dump = FileManager.default.isExecutableFile(atPath: "/usr/bin/h5dump")

  @Test(.enabled(if: hasH5dump, "h5dump (package hdf5-tools) is not installed"))
  func `h5dump reads it as ordinary HDF5`() async throws {
    let folder = try CheckpointFolder()
    let path = folder.path + "/file.h5"
    var checkpoint = Checkpoint.sample()
    let counted = (0..<checkpoint.parameters.count).map { Float($0) / 4 }
    checkpoint.parameters = counted
    try checkpoint.write(toFile: path)
    let dataset = "/adapter/layers.1.self_attn.q_proj/lora_A"
    let result = try await run(
      .name("h5dump"),
      arguments: ["-a", "/step", "-d", "/configuration", "-d", dataset, "-p", path],
      output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
    #expect(result.terminationStatus == .exited(0), "\(result.standardError)")
    let text = result.standardOutput
    #expect(text.contains("(0): 120"))
    #expect(text.contains("lora_r"))
    #expect(text.contains("DATASPACE  SIMPLE { ( 4, 16 ) / ( 4, 16 ) }"))
    #expect(text.contains("CHECKSUM FLETCHER32"))
    #expect(text.contains("(0,0): 0, 0.25, 0.5, 0.75"))
  }
}
