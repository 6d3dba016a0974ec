import Glibc

/// Why a checkpoint could not be written, read or trusted.
package enum CheckpointError: Error, Equatable, CustomStringConvertible {
  /// A value that is no checkpoint was to be written.
  case cannotBeStored(reason: String)
  case notARegularFile(path: String)
  case tooShort(path: String, bytes: Int)
  case wrongMagic(path: String)
  case unknownVersion(path: String, version: UInt32)
  /// A part of the header that has only one right value in this version does not have it.
  case damagedHeader(path: String)
  case tooLarge(path: String, bytes: Int)
  case wrongLength(path: String, expected: UInt64, found: Int)
  case wrongDigest(path: String)
  case wrongContent(path: String, reason: String)
  /// The name says another step than the content.
  case wrongStep(path: String, step: Int)
  /// The operating system refused; `code` is its `errno`.
  case system(attempt: String, path: String, code: Int32)

  package var description: String {
    switch self {
    case .cannotBeStored(let reason):
      return "cannot make a checkpoint: \(reason); this is a mistake in the program, please report"
    case .system(let attempt, let path, let code):
      let text = unsafe String(cString: strerror(code))
      return "cannot \(attempt) \(path): \(text)\(Self.advice(for: code))"
    case .notARegularFile(let path): return Self.refusal(path, "it is not a regular file", "")
    case .tooShort(let path, let bytes):
      return Self.refusal(path, "it has only \(bytes) bytes", Self.useOlder)
    case .wrongMagic(let path):
      return Self.refusal(
        path, "it does not begin as a checkpoint of this program does",
        "; is it another file, or HDF5 saved by another program?")
    case .unknownVersion(let path, let version):
      return Self.refusal(
        path,
        "its format version is \(version), and this program knows only \(CheckpointSeal.version)",
        "; use the program version that wrote it, or a newer one")
    case .damagedHeader(let path):
      return Self.refusal(path, "its first 512 bytes are damaged", Self.useOlder)
    case .tooLarge(let path, let bytes):
      return Self.refusal(path, "it has \(bytes) bytes, more than any checkpoint", "")
    case .wrongLength(let path, let expected, let found):
      let change = found < expected ? "cut off" : "added"
      return Self.refusal(
        path, "it should have \(expected) bytes and has \(found), so something was \(change)",
        Self.useOlder)
    case .wrongDigest(let path):
      return Self.refusal(
        path,
        "its content does not match its SHA-256 digest, so it was damaged after it was written",
        Self.useOlder)
    case .wrongContent(let path, let reason):
      return Self.refusal(path, "it is undamaged, but not as expected inside: \(reason)", "")
    case .wrongStep(let path, let step):
      return Self.refusal(
        path, "it contains step \(step)", "; give it its old name back, or pass its path by itself")
    }
  }

  private static let useOlder = "; use an older checkpoint or copy the file again"

  private static func refusal(_ path: String, _ reason: String, _ advice: String) -> String {
    "cannot use the checkpoint \(path): \(reason)\(advice)"
  }

  private static func advice(for code: Int32) -> String {
    switch code {
    case ENOSPC, EDQUOT:
      "; free some space or lower save_total_limit, earlier checkpoints are untouched"
    case EFBIG: "; raise the limit of the file size (ulimit -f), earlier checkpoints are untouched"
    case EROFS, EACCES, EPERM: "; check the permissions of the folder and its file system"
    case EIO: "; the disk or the network file system fails, look into the kernel's log"
    case ENOENT: "; check the path"
    default: ""
    }
  }
}
