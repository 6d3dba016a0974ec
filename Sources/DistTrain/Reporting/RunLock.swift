internal import Foundation
internal import Glibc

/// Keeps a second job out of a run's folder for as long as it lives (flock(2)); the kernel lets go when the process ends.
package final class RunLock {
  private let descriptor: Int32

  /// Takes the lock; throws where another job holds it, and says which.
  package init(folder: String) throws {
    let path = folder + "/.lock"
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      let reason = unsafe String(cString: strerror(errno))
      throw CommandFailure("cannot open \(path): \(reason)", exitCode: 74)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(descriptor)
      guard code == EWOULDBLOCK else {
        throw CommandFailure(
          "cannot lock \(path): \(unsafe String(cString: strerror(code)))", exitCode: 74)
      }
      let holder = String(
        decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
      throw CommandFailure(
        "another job (\(holder.isEmpty ? "unknown" : holder)) writes to \(folder); wait for its end, or"
          + " give another output_dir", exitCode: 73)
    }
    let holder = Array("process \(getpid()) on \(ProcessInfo.processInfo.hostName)".utf8)
    _ = ftruncate(descriptor, 0)
    _ = unsafe write(descriptor, holder, holder.count)
  }

  deinit { close(descriptor) }
}
