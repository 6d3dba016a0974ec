import DistTrain
import Foundation
import Model
import TestSupport
import Testing

struct EventRecordTests {
  /// RFC 3720, appendix B.4, and the check value of CRC-32C.
  @Test(
    arguments: [
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      ([UInt8](0..<32), 0x46DD_794E), ([UInt8](0..<32).reversed(), 0x113F_DB5C),
      (Array("123456789".utf8), 0xE306_9283), ([], 0),
    ] as [([UInt8], UInt32)])
  func `checksums are CRC-32C`(bytes: [UInt8], checksum: UInt32) {
    #expect(CRC32C.checksum(bytes) == checksum)
    let rotated = checksum >> 15 | checksum << 17
    #expect(CRC32C.masked(bytes) == rotated &+ 0xA282_EAD8)
  }

  /// Written by TensorBoard's RecordWriter and event_pb2 2.21 of the same events.
  @Test func `records are the bytes that TensorBoard writes`() {
    func hexadecimal(_ bytes: [UInt8]) -> String {
      bytes.map { String(format: "%02x", $0) }.joined()
    }
    let version = EventRecord.bytes(.version, step: 0, wallTime: 1.5)
    #expect(hexadecimal(version) == Reference.version)
    let start = EventRecord.bytes(.start, step: 300, wallTime: 2.5)
    #expect(hexadecimal(start) == Reference.start)
    let scalars = EventRecord.bytes(
      .scalars([("train/loss", 0.75), ("eval/accuracy/Wörtlich", -1e-3)]), step: 1 << 40,
      wallTime: 1_700_000_000.25)
    #expect(hexadecimal(scalars) == Reference.scalars)
  }

  @Test func `a line of the log gives the values it has, and no speed without a time`() throws {
    let line = try JSONParser.parse(
      #"{"step": 4, "epoch": 0.5, "loss": 2, "grad_norm": 0.25, "learning_rate": 1e-3, "tokens": 300}"#
    )
    func text(_ scalars: [(tag: String, value: Double)]) -> [String] {
      scalars.map { "\($0.tag) \($0.value)" }
    }
    let values = [
      "train/loss 2.0", "train/learning_rate 0.001", "train/grad_norm 0.25", "train/epoch 0.5",
    ]
    #expect(text(ScalarTags.scalars(line, seconds: nil)) == values)
    #expect(
      text(ScalarTags.scalars(line, seconds: 1.5)) == values + ["perf/tokens_per_second 200.0"])
    let validation = try JSONParser.parse(#"{"step": 4, "epoch": 0.5, "eval_loss": 3.5}"#)
    #expect(text(ScalarTags.scalars(validation, seconds: nil)) == ["eval/loss 3.5"])
  }

  @Test func `a file's name sorts behind those that are there, whatever the clock says`() throws {
    let folder = try TemporaryFolder()
    let late = "events.out.tfevents.9000000000.host.1.0"
    try Data().write(to: URL(filePath: folder.path + "/" + late))
    let first = try EventFile(folder: folder.path, firstStep: 12).path
    let second = try EventFile(folder: folder.path, firstStep: 12).path
    #expect(folder.path + "/" + late < first && first < second)
    let bytes = Array(try Data(contentsOf: URL(filePath: first)))
    #expect(bytes.count == 2 * 16 + 9 + 15 + 9 + 2 + 4, "version and start, whole")
  }
}

private enum Reference {
  static let version =
    "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c"
  static let start =
    "100000000000000095fbfe1809000000000000044010ac023a0208017d05b37d"
  static let scalars = [
    "4500000000000000ebe668b00900001040fc54d941108080808080202a330a110a0a747261696e2f",
    "6c6f7373150000403f0a1e0a176576616c2f61636375726163792f57c3b672746c696368156f1283",
    "ba496b26b7",
  ].joined()
}
