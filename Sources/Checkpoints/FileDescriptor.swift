import Glibc

/// An open file that is closed when its owner goes away; every call is repeated when a signal interrupts it.
struct FileDescriptor: ~Copyable {
  private var number: Int32
  private let path: String

  init(opening path: String, _ flags: Int32, mode: mode_t = 0, to attempt: String)
    throws(CheckpointError)
  {
    var number: Int32
    repeat {
      number = unsafe open(path, flags | O_CLOEXEC, mode)
    } while number < 0 && errno == EINTR
    guard number >= 0 else { throw .system(attempt: attempt, path: path, code: errno) }
    self.number = number
    self.path = path
  }

  deinit { if number >= 0 { _ = Glibc.close(number) } }

  /// The size of a regular file; anything else is refused.
  func regularFileSize() throws(CheckpointError) -> Int {
    var status = stat()
    guard unsafe fstat(number, &status) == 0 else {
      throw .system(attempt: "read the size of", path: path, code: errno)
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
    return Int(status.st_size)
  }

  /// Fills `range` of `bytes` from the current position, or less at the end of the file; returns the bytes read.
  func read(into bytes: inout [UInt8], _ range: Range<Int>) throws(CheckpointError) -> Int {
    var filled = range.lowerBound
    while filled < range.upperBound {
      let count = unsafe bytes.withUnsafeMutableBytes {
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: $0[filled..<range.upperBound])
        return unsafe Glibc.read(number, rest.baseAddress, rest.count)
      }
      if count == 0 { break }
      if count > 0 {
        filled += count
      } else if errno != EINTR {
        throw .system(attempt: "read", path: path, code: errno)
      }
    }
    return filled - range.lowerBound
  }

  func write(_ bytes: [UInt8]) throws(CheckpointError) {
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(number, $0.baseAddress.map { unsafe $0 + written }, $0.count - written)
      }
      if count > 0 {
        written += count
      } else if count == 0 || errno != EINTR {
        throw .system(attempt: "write", path: path, code: count == 0 ? ENOSPC : errno)
      }
    }
  }

  /// Waits until everything written is on the disk.
  func synchronize() throws(CheckpointError) {
    while fsync(number) != 0 {
      guard errno == EINTR else {
        throw .system(attempt: "bring to the disk", path: path, code: errno)
      }
    }
  }

  /// Forgets cached pages, so that reading comes from the disk where the file system allows.
  func dropCache() { _ = posix_fadvise(number, 0, 0, POSIX_FADV_DONTNEED) }

  /// Closes the file and reports what network file systems report only now.
  consuming func close() throws(CheckpointError) {
    let number = self.number
    self.number = -1
    guard Glibc.close(number) == 0 || errno == EINTR else {
      throw .system(attempt: "close", path: path, code: errno)
    }
  }
}
