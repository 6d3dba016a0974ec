internal import Glibc
internal import MappingGuard

/// A regular file mapped read-only; every process that maps it shares one copy in memory.
///
/// If it loses bytes while it is mapped, the next use of them ends the process with one line and exit code 65.
@safe
package final class MappedFile: @unchecked Sendable {
  // Sendable: the bytes are never written and stay mapped until the last reference goes.
  let base: UnsafeRawPointer
  package let path: String
  /// Length in bytes.
  package let count: Int

  /// Maps the file at `path`; throws if it is missing, empty or not a regular file.
  package init(path: String) throws(ModelError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let code = errno
      throw ModelError(
        code == ENOENT ? .missing : .invalid,
        "cannot open \(path): \(unsafe String(cString: strerror(code)))")
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw ModelError(.invalid, "\(path) is not a regular file")
    }
    count = Int(status.st_size)
    guard count > 0 else { throw ModelError(.invalid, "\(path) is empty; copy it again") }
    guard
      let address = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0),
      unsafe address != MAP_FAILED
    else {
      throw ModelError(.invalid, "cannot map \(path): \(unsafe String(cString: strerror(errno)))")
    }
    unsafe base = UnsafeRawPointer(address)
    self.path = path
    unsafe mapping_guard_watch(
      address, count,
      "error: \(path) lost bytes while it was in use: it was cut off or replaced in place, or its disk"
        + " fails; copy it again and continue from the last checkpoint\n", 65)
  }

  deinit {
    unsafe mapping_guard_forget(base)
    unsafe munmap(UnsafeMutableRawPointer(mutating: base), count)
  }

  /// Asks the kernel to read the whole file from front to back, ahead of its use.
  func prefetch() {
    // Advice: what cannot be read ahead is read when it is used.
    _ = unsafe madvise(UnsafeMutableRawPointer(mutating: base), count, MADV_WILLNEED)
  }

  /// The bytes of `range`, copied.
  package func bytes(_ range: Range<Int>) -> [UInt8] {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "outside of the file")
    return unsafe Array(UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
  }
}
