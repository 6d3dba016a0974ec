extension Checkpoint {
  /// The bytes of a checkpoint file: the seal, then HDF5; equal checkpoints give equal bytes.
  package func sealedBytes() throws(CheckpointError) -> [UInt8] {
    if let fault { throw .cannotBeStored(reason: fault) }
    do throws(HDF5Error) {
      var bytes = try HDF5File.build(userBlockBytes: CheckpointSeal.byteCount) {
        (root) throws(HDF5Error) in try write(to: root)
      }
      CheckpointSeal.seal(&bytes)
      return bytes
    } catch {
      throw .cannotBeStored(reason: error.description)
    }
  }

  /// Writes the file `path` so that it is complete or not there, whatever happens meanwhile.
  package func write(toFile path: String) throws(CheckpointError) {
    try CheckpointFile.write(sealedBytes(), to: path)
  }

  /// Reads a file and verifies it; nothing of a damaged file is looked into.
  package init(contentsOfFile path: String) throws(CheckpointError) {
    try self.init(sealed: CheckpointFile.read(path), name: path)
  }

  /// Takes verified bytes apart; `path` is what errors call them.
  package init(sealed bytes: [UInt8], name path: String) throws(CheckpointError) {
    do throws(HDF5Error) {
      self = try HDF5File.read(bytes) { (root) throws(HDF5Error) in
        try Checkpoint(readingFrom: root)
      }
    } catch {
      throw .wrongContent(path: path, reason: error.description)
    }
    if let fault { throw .wrongContent(path: path, reason: fault) }
  }
}
