internal import Checkpoints

/// Checkpoint files: as they are, and with a seal that fits what is in them.
struct CheckpointReading {
  let folder: ScratchFolder

  func accepts(_ content: [UInt8], _ choice: UInt8) throws -> Bool {
    guard choice % 2 == 0 else { return try acceptsSealed(content) }
    let path = try folder.write(content, to: "step-000001.h5")
    do {
      try CheckpointFile.verify(path)
    } catch {
      let found = try CheckpointStore(folder: folder.path).newest()
      try FuzzFinding.require(found.found == nil, "a refused checkpoint was used")
      return false
    }
    return try rereads { try Checkpoint(contentsOfFile: path) }
  }

  /// The digest vouches against accidents alone; whoever makes one that fits reaches what is behind it.
  private func acceptsSealed(_ image: [UInt8]) throws -> Bool {
    if image.isEmpty { return false }
    var file = [UInt8](repeating: 0, count: CheckpointSeal.byteCount) + image
    CheckpointSeal.seal(&file)
    return try rereads { [file] in try Checkpoint(sealed: file, name: "sealed") }
  }

  private func rereads(_ read: () throws -> Checkpoint) throws -> Bool {
    let checkpoint: Checkpoint
    do { checkpoint = try read() } catch { return false }
    let bytes = try checkpoint.sealedBytes()
    let again = try Checkpoint(sealed: bytes, name: "copy")
    try FuzzFinding.require(try again.sealedBytes() == bytes, "a copy has other bytes")
    return true
  }
}
