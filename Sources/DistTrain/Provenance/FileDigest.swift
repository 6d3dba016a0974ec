internal import Crypto
internal import Foundation
internal import Glibc
package import Model

/// SHA-256 of files in hexadecimal.
///
/// The digest of a large file is remembered under the user's cache folder by path, size, inode and times of change, so
/// that the gigabytes of a base model are read once and not at every start.
package enum FileDigest {
  private static let rememberedBytes = 64 << 20
  private static let pieceBytes = 1 << 20

  /// The digest of one file.
  package static func digest(ofFile path: String) throws(ModelError) -> String {
    let file = try MappedFile(path: path)
    guard file.count >= rememberedBytes, let memory = memoryPath(path) else { return hash([file]) }
    if let known = FileManager.default.contents(atPath: memory), known.count == 64,
      let text = String(validating: known, as: UTF8.self)
    {
      return text
    }
    let digest = hash([file])
    remember(digest, at: memory)
    return digest
  }

  /// The digest of several files in the order of their paths: of the lines "<digest>  <name>" that `sha256sum` prints.
  package static func digest(ofFiles paths: [String]) throws(ModelError) -> String {
    var text = ""
    for path in paths.sorted() {
      text += "\(try digest(ofFile: path))  \(URL(filePath: path).lastPathComponent)\n"
    }
    return digest(of: Array(text.utf8))
  }

  /// The digest of bytes.
  package static func digest(of bytes: [UInt8]) -> String { text(SHA256.hash(data: bytes)) }

  /// The digest of the memory of `buffer`.
  package static func digest(of buffer: borrowing FloatBuffer) -> String {
    var hash = SHA256()
    unsafe buffer.span.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
    return text(hash.finalize())
  }

  private static func hash(_ files: [MappedFile]) -> String {
    var hash = SHA256()
    for file in files {
      for start in stride(from: 0, to: file.count, by: pieceBytes) {
        hash.update(data: file.bytes(start..<min(start + pieceBytes, file.count)))
      }
    }
    return text(hash.finalize())
  }

  private static func text(_ digest: SHA256.Digest) -> String {
    digest.map { String(format: "%02x", $0) }.joined()
  }

  /// Where the digest of a file in its present state is remembered; nil where the file cannot be looked at.
  private static func memoryPath(_ path: String) -> String? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    let environment = ProcessInfo.processInfo.environment
    guard
      let root = environment["XDG_CACHE_HOME"] ?? environment["HOME"].map({ $0 + "/.cache" }),
      root.hasPrefix("/")
    else { return nil }
    let absolute = URL(filePath: path).standardizedFileURL.path
    let state =
      "\(absolute) \(status.st_dev) \(status.st_ino) \(status.st_size)"
      + " \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
      + " \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
    return root + "/disttrain/digests/" + digest(of: Array(state.utf8))
  }

  /// A digest that cannot be remembered is computed again next time, which is no fault.
  private static func remember(_ digest: String, at path: String) {
    let folder = URL(filePath: path).deletingLastPathComponent()
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(digest.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
      return
    }
  }
}
