internal import Foundation
internal import Glibc

/// An event file that TensorBoard reads while the run goes on; every record is one write, whole and at once.
package final class EventFile {
  package let path: String
  private let descriptor: Int32

  /// Makes a new file in `folder`, which is made if need be, that takes back what earlier ones have from `firstStep` on.
  ///
  /// The first of a folder's files must say where it starts too, or TensorBoard takes the second one's start for it.
  /// TensorBoard reads a folder's files in the order of their names, so this one's begins with a later second than
  /// those that are there, whatever the clock says.
  package init(folder: String, firstStep: Int) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      path = folder + "/" + Self.name(after: names, now: Date())
    } catch {
      throw CommandFailure("cannot make the folder \(folder): \(error)", exitCode: 73)
    }
    descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.failure("cannot make", path) }
    try append(.version, step: 0)
    try append(.start, step: firstStep)
  }

  deinit { close(descriptor) }

  /// events.out.tfevents.<second>.<host>.<process>.<number>
  static func name(after names: [String], now: Date) -> String {
    let prefix = "events.out.tfevents."
    let seconds = names.compactMap { name -> Int? in
      guard name.hasPrefix(prefix) else { return nil }
      return name.dropFirst(prefix.count).split(separator: ".").first.flatMap { Int($0) }
    }
    let second = max(Int(now.timeIntervalSince1970), (seconds.max() ?? 0) + 1)
    return "\(prefix)\(second).\(ProcessInfo.processInfo.hostName)"
      + ".\(getpid()).\(names.count)"
  }

  /// Adds values of one step.
  package func append(_ scalars: [(tag: String, value: Double)], step: Int) throws {
    try append(.scalars(scalars), step: step)
  }

  private func append(_ content: EventRecord.Content, step: Int) throws {
    let time = Date().timeIntervalSince1970
    let bytes = EventRecord.bytes(content, step: step, wallTime: time)
    let written = unsafe write(descriptor, bytes, bytes.count)
    guard written == bytes.count else {
      if written >= 0 { errno = ENOSPC }
      throw Self.failure("cannot write", path)
    }
  }

  private static func failure(_ what: String, _ path: String) -> CommandFailure {
    let reason = unsafe String(cString: strerror(errno))
    return CommandFailure("\(what) \(path): \(reason)", exitCode: 74)
  }
}
