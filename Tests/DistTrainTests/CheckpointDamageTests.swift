import Checkpoints
import Foundation
import Glibc
import Testing

/// Damage of every kind is refused by the digest or before, and never reaches HDF5.
@Suite struct CheckpointDamageTests {
  private let folder: CheckpointFolder
  private let path: String
  private let bytes: [UInt8]

  init() throws {
    folder = try CheckpointFolder()
    path = folder.path + "/step-000120.h5"
    bytes = try Checkpoint.sample().sealedBytes()
    try put(bytes, at: path)
  }

  /// Whether both reading and verifying refuse the file as damaged.
  private func isRefused() -> Bool {
    let errors = [
      checkpointError { () throws(CheckpointError) in _ = try Checkpoint(contentsOfFile: path) },
      checkpointError { () throws(CheckpointError) in try CheckpointFile.verify(path) },
    ]
    return errors.allSatisfy {
      switch $0 {
      case .tooShort, .wrongMagic, .unknownVersion, .damagedHeader, .wrongLength, .wrongDigest: true
      default: false
      }
    }
  }

  @Test func `the undamaged file is accepted`() throws {
    try CheckpointFile.verify(path)
    #expect(try Checkpoint(contentsOfFile: path) == .sample())
  }

  @Test func `one changed bit is refused, at every byte of the file`() throws {
    var generator = SeededGenerator(state: 1)
    let descriptor = unsafe open(path, O_WRONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var accepted: [Int] = []
    for position in bytes.indices {
      let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
      for value in [bytes[position] ^ bit, bytes[position]] {
        let written = unsafe withUnsafeBytes(of: value) {
          unsafe pwrite(descriptor, $0.baseAddress, 1, off_t(position))
        }
        try #require(written == 1)
        if value != bytes[position] && !isRefused() { accepted.append(position) }
      }
    }
    #expect(accepted.isEmpty)
    #expect(try Checkpoint(contentsOfFile: path) == .sample())
  }

  @Test func `every bit of the used header is guarded`() throws {
    for position in 0..<64 {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[position] ^= 1 << UInt8(bit)
        try put(damaged, at: path)
        #expect(isRefused(), "byte \(position), bit \(bit)")
      }
    }
  }

  @Test func `a truncated file is refused`() throws {
    let lengths =
      Array(0...1100) + Array(stride(from: 1100, to: bytes.count, by: 997)) + [bytes.count - 1]
    for length in lengths {
      try put(bytes.prefix(length), at: path)
      #expect(isRefused(), "\(length) bytes")
    }
  }

  @Test(arguments: [1, 7, 512, 4096, 100_000])
  func `appended bytes are refused`(count: Int) throws {
    try put(bytes + [UInt8](repeating: 0, count: count), at: path)
    #expect(isRefused())
  }

  @Test(arguments: [16, 512, 4096])
  func `zeroed ranges are refused`(length: Int) throws {
    for start in stride(from: 0, to: bytes.count - length, by: length) {
      let range = start..<start + length
      if bytes[range].allSatisfy({ $0 == 0 }) { continue }
      var damaged = bytes
      damaged.replaceSubrange(range, with: repeatElement(0, count: length))
      try put(damaged, at: path)
      #expect(isRefused(), "\(range)")
    }
  }

  @Test func `blocks that changed places are refused`() throws {
    var generator = SeededGenerator(state: 2)
    for _ in 0..<300 {
      let blocks = (0..<2).map { _ in Int.random(in: 0..<bytes.count / 512, using: &generator) * 512
      }
      var damaged = bytes
      damaged.replaceSubrange(blocks[0]..<blocks[0] + 512, with: bytes[blocks[1]..<blocks[1] + 512])
      damaged.replaceSubrange(blocks[1]..<blocks[1] + 512, with: bytes[blocks[0]..<blocks[0] + 512])
      if damaged == bytes { continue }
      try put(damaged, at: path)
      #expect(isRefused(), "\(blocks)")
    }
  }

  @Test func `the seal of another checkpoint is refused`() throws {
    let other = try Checkpoint.sample(seed: 8).sealedBytes()
    try #require(other.count == bytes.count)
    try put(other[..<512] + bytes[512...], at: path)
    #expect(isRefused())
  }

  @Test func `a missing file is an error that names it`() throws {
    try FileManager.default.removeItem(atPath: path)
    let error = checkpointError { () throws(CheckpointError) in
      _ = try Checkpoint(contentsOfFile: path)
    }
    #expect(error == .system(attempt: "open", path: path, code: ENOENT))
  }

  @Test func `each kind of damage has its own sentence`() throws {
    func sentence(_ change: (inout [UInt8]) -> Void) throws -> String {
      var damaged = bytes
      change(&damaged)
      try put(damaged, at: path)
      let error = checkpointError { () throws(CheckpointError) in
        _ = try Checkpoint(contentsOfFile: path)
      }
      return try #require(error).description
    }
    #expect(try sentence { $0 = [] }.contains("only 0 bytes"))
    #expect(try sentence { $0[1] = 0 }.contains("does not begin as a checkpoint"))
    #expect(try sentence { $0[8] = 2 }.contains("format version is 2"))
    #expect(try sentence { $0[100] = 1 }.contains("first 512 bytes are damaged"))
    #expect(try sentence { $0.removeLast(3) }.contains("cut off"))
    #expect(try sentence { $0.append(0) }.contains("added"))
    #expect(try sentence { $0[5000] ^= 1 }.contains("SHA-256"))
  }
}

/// Sealed files whose HDF5 is sound, but not what a checkpoint contains.
@Suite struct CheckpointContentTests {
  private func reason(
    _ body: (borrowing HDF5Group) throws(HDF5Error) -> Void
  ) throws -> String {
    let folder = try CheckpointFolder()
    let path = folder.path + "/file.h5"
    var bytes = try HDF5File.build(userBlockBytes: CheckpointSeal.byteCount, body)
    CheckpointSeal.seal(&bytes)
    try put(bytes, at: path)
    let error = checkpointError { () throws(CheckpointError) in
      _ = try Checkpoint(contentsOfFile: path)
    }
    guard case .wrongContent(path, let reason) = error else { return "no such error" }
    return reason
  }

  private func table(
    in root: borrowing HDF5Group, names: [String], shapes: [Int64], rows: Int? = nil
  ) throws(HDF5Error) {
    let table = try root.createGroup("tensors")
    try table.write(texts: names, to: "names")
    try table.write(shapes.span, shape: [rows ?? names.count, 2], to: "shapes")
  }

  @Test func `an empty file names what is missing`() throws {
    let reason = try reason { (_) throws(HDF5Error) in }
    #expect(reason.contains("open the group \"tensors\""), "\(reason)")
  }

  @Test func `a table that claims more than the file is refused before anything is allocated`()
    throws
  {
    let reason = try reason { (root) throws(HDF5Error) in
      try table(in: root, names: ["a.lora_A"], shapes: [1 << 30, 1 << 20])
    }
    #expect(reason.contains("do not fit in the file"), "\(reason)")
  }

  @Test func `a table whose product overflows is refused`() throws {
    let reason = try reason { (root) throws(HDF5Error) in
      try table(in: root, names: ["a.lora_A"], shapes: [.max, 3])
    }
    #expect(reason.contains("impossible shape"), "\(reason)")
  }

  @Test func `a name that leads elsewhere is refused`() throws {
    let reason = try reason { (root) throws(HDF5Error) in
      try table(in: root, names: ["a/../b.lora_A"], shapes: [1, 1])
    }
    #expect(reason.contains("not a tensor's name"), "\(reason)")
  }

  @Test func `a table of two lengths is refused`() throws {
    let reason = try reason { (root) throws(HDF5Error) in
      try table(in: root, names: ["a.b", "a.c"], shapes: [1, 1], rows: 1)
    }
    #expect(reason.contains("its shape is [1, 2], not [2, 2]"), "\(reason)")
  }

  @Test func `a tensor of another shape than the table's is refused`() throws {
    let reason = try reason { (root) throws(HDF5Error) in
      try table(in: root, names: ["a.lora_A"], shapes: [2, 3])
      _ = try root.createGroup("optimizer")
      let module = try root.createGroup("adapter").createGroup("a")
      try module.write(([0, 0, 0, 0, 0, 0] as [Float]).span, shape: [3, 2], to: "lora_A")
    }
    #expect(reason.contains("\"adapter/a/lora_A\": its shape is [3, 2], not [2, 3]"), "\(reason)")
  }

  @Test func `a dataset of another type is refused`() throws {
    let reason = try reason { (root) throws(HDF5Error) in
      try table(in: root, names: ["a.lora_A"], shapes: [1, 2])
      _ = try root.createGroup("optimizer")
      let module = try root.createGroup("adapter").createGroup("a")
      try module.write(([0, 0] as [Int64]).span, shape: [1, 2], to: "lora_A")
    }
    #expect(reason.contains("not float32"), "\(reason)")
  }
}
