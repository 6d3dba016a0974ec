import Crypto
import Glibc

/// Sealed files: written so that a file under its final name is always complete, and read only if undamaged.
package enum CheckpointFile {
  /// Puts sealed bytes under `path`, which holds either its old content or these bytes at any time.
  package static func write(_ sealed: [UInt8], to path: String) throws(CheckpointError) {
    // Otherwise a file size limit ends the process where it should fail the write.
    signal(SIGXFSZ, SIG_IGN)
    let temporary = temporaryPath(for: path)
    do throws(CheckpointError) {
      try writeAndVerify(sealed, to: temporary)
      guard unsafe rename(temporary, path) == 0 else {
        throw .system(attempt: "rename \(temporary) to", path: path, code: errno)
      }
    } catch {
      // A temporary file that was there before is another process's.
      if case .system(_, temporary, EEXIST) = error { throw error }
      unsafe unlink(temporary)
      throw error
    }
    try synchronizeFolder(of: path)
  }

  private static func writeAndVerify(
    _ sealed: [UInt8], to temporary: String
  ) throws(CheckpointError) {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
    let file = try FileDescriptor(opening: temporary, flags, mode: 0o644, to: "create")
    try file.write(sealed)
    try file.synchronize()
    file.dropCache()
    try file.close()
    try verify(temporary)
  }

  /// A rename is on the disk only when the folder is.
  private static func synchronizeFolder(of path: String) throws(CheckpointError) {
    let folder = try FileDescriptor(
      opening: split(path).folder, O_RDONLY | O_DIRECTORY, to: "open the folder")
    do throws(CheckpointError) {
      try folder.synchronize()
    } catch .system(_, _, EINVAL) {
      // Some network file systems have no such call for folders.
    }
  }

  /// Reads the whole file once, in pieces, and throws unless its length and digest are those of its seal.
  package static func verify(_ path: String) throws(CheckpointError) {
    let sealed = try SealedFile(path)
    var hash = SHA256()
    var piece = [UInt8](repeating: 0, count: min(sealed.imageBytes, 1 << 20))
    var remaining = sealed.imageBytes
    while remaining > 0 {
      let part = 0..<min(remaining, piece.count)
      try sealed.fill(&piece, part)
      hash.update(piece, part)
      remaining -= part.count
    }
    try sealed.require(hash.finalize())
  }

  /// The bytes of the file, header included, if its length and digest are those of its seal.
  package static func read(_ path: String) throws(CheckpointError) -> [UInt8] {
    let sealed = try SealedFile(path)
    var bytes = [UInt8](repeating: 0, count: CheckpointSeal.byteCount + sealed.imageBytes)
    bytes.replaceSubrange(0..<CheckpointSeal.byteCount, with: sealed.header)
    let image = CheckpointSeal.byteCount..<bytes.count
    try sealed.fill(&bytes, image)
    var hash = SHA256()
    hash.update(bytes, image)
    try sealed.require(hash.finalize())
    return bytes
  }

  /// Whether the first bytes are those of a checkpoint, damaged or not; false if the file cannot be read.
  static func hasMagic(_ path: String) -> Bool {
    do throws(CheckpointError) {
      _ = try SealedFile(path)
      return true
    } catch {
      switch error {
      case .unknownVersion, .damagedHeader, .wrongLength, .tooLarge: return true
      default: return false
      }
    }
  }

  // MARK: Paths

  /// The folder and the name of a path.
  static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
  }

  /// Where the bytes lie until they are complete: a hidden name in the same folder, with this process's number.
  package static func temporaryPath(for path: String) -> String {
    let (folder, name) = split(path)
    return "\(folder)/.\(name).\(getpid())\(temporarySuffix)"
  }

  static let temporarySuffix = ".tmp"
}

/// A file opened for reading whose header is right.
private struct SealedFile: ~Copyable {
  /// No adapter comes near this; it keeps a sparse giant from filling the memory.
  private static let maximumBytes = 16 << 30

  private let path: String
  private let file: FileDescriptor
  private let seal: CheckpointSeal
  let header: [UInt8]
  let imageBytes: Int

  init(_ path: String) throws(CheckpointError) {
    // Without O_NONBLOCK, opening a named pipe would wait for somebody to write to it.
    let file = try FileDescriptor(opening: path, O_RDONLY | O_NONBLOCK, to: "open")
    let size = try file.regularFileSize()
    var header = [UInt8](repeating: 0, count: CheckpointSeal.byteCount)
    let count = try file.read(into: &header, 0..<header.count)
    header.removeSubrange(count...)
    let seal = try CheckpointSeal(header, fileBytes: size, path: path)
    guard size <= Self.maximumBytes else { throw .tooLarge(path: path, bytes: size) }
    self.path = path
    self.seal = seal
    self.file = file
    self.header = header
    self.imageBytes = size - CheckpointSeal.byteCount
  }

  /// Fills `range` of `bytes` with the next bytes; the file may have shrunk since its size was asked.
  func fill(_ bytes: inout [UInt8], _ range: Range<Int>) throws(CheckpointError) {
    let count = try file.read(into: &bytes, range)
    guard count == range.count else {
      let expected = imageBytes + header.count
      throw .wrongLength(
        path: path, expected: UInt64(expected), found: expected - (range.count - count))
    }
  }

  func require(_ digest: SHA256.Digest) throws(CheckpointError) {
    guard Array(digest) == seal.digest else { throw .wrongDigest(path: path) }
  }
}
