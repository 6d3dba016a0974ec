internal import Glibc

/// Files that are read as a whole: regular ones, up to a size that no such file has in earnest.
///
/// They are copied, not mapped, so that a file that is cut off meanwhile is an error and not a signal.
package enum WholeFile {
  package enum Failure: Error, Equatable {
    /// The operating system refused; its `errno`.
    case system(Int32)
    case folder
    /// A pipe, a device or a socket.
    case notRegular
    case tooLarge(bytes: Int, limit: Int)
    /// Fewer bytes came than the file had when it was opened.
    case shortened

    /// Completes the sentence "<file> ...".
    package var reason: String {
      switch self {
      case .system(ENOENT): "does not exist"
      case .system(let code): "cannot be read: \(unsafe String(cString: strerror(code)))"
      case .folder: "is a folder, not a file"
      case .notRegular: "is not a regular file"
      case .tooLarge(let bytes, let limit):
        "has \(bytes) bytes, more than the \(limit) that are read"
      case .shortened: "became shorter while it was read; copy it again"
      }
    }
  }

  /// The bytes of the file at `path`, which may be empty.
  package static func bytes(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
    // Without O_NONBLOCK, opening a named pipe would wait for somebody to write to it.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(errno) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw .system(errno) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .folder
    default: throw .notRegular
    }
    let count = Int(status.st_size)
    guard count <= limit else { throw .tooLarge(bytes: count, limit: limit) }
    return try bytes(of: descriptor, count: count)
  }

  /// The next `count` bytes of an open file.
  package static func bytes(of descriptor: Int32, count: Int) throws(Failure) -> [UInt8] {
    var failure: Failure?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let base = unsafe buffer.baseAddress.map { unsafe $0 + filled }
        let part = unsafe read(descriptor, base, count - filled)
        if part > 0 {
          filled += part
        } else if part == 0 || errno != EINTR {
          failure = part == 0 ? .shortened : .system(errno)
          return
        }
      }
    }
    if let failure { throw failure }
    return bytes
  }
}

extension WholeFile {
  /// The most bytes of a configuration, an index or a template.
  package static let textLimit = 1 << 25

  /// The bytes of a model's file; throws `ModelError` that names it, also where it is empty.
  static func modelBytes(_ path: String, limit: Int = textLimit) throws(ModelError) -> [UInt8] {
    let bytes: [UInt8]
    do { bytes = try WholeFile.bytes(path, limit: limit) } catch {
      switch error {
      case .system(let code):
        throw ModelError(
          code == ENOENT ? .missing : .invalid,
          "cannot open \(path): \(unsafe String(cString: strerror(code)))")
      case .folder: throw ModelError(.invalid, "\(path) is a folder, not a regular file")
      default: throw ModelError(.invalid, "\(path) \(error.reason)")
      }
    }
    guard !bytes.isEmpty else { throw ModelError(.invalid, "\(path) is empty; copy it again") }
    return bytes
  }
}

extension JSONParser {
  /// Reads a JSON file of a model folder; throws `ModelError` that names the file and the place in it.
  static func parse(modelFile path: String) throws(ModelError) -> JSONValue {
    let bytes = try WholeFile.modelBytes(path)
    do { return try parse(bytes) } catch { throw ModelError(.invalid, "\(path): \(error)") }
  }
}
