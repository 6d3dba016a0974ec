internal import Foundation
internal import Glibc
package import Logging
internal import Synchronization

/// The log file of one rank, `logs/rank-000.log` in the run's folder; records before it is opened are kept for it.
package final class RankLogFile: Sendable {
  private struct State {
    var descriptor: Int32 = -1
    var waiting: [String] = []
  }
  private let state = Mutex(State())

  package init() {}

  /// Opens the file of `rank` in `folder`, which is made if need be, and appends what has been logged so far.
  package func open(folder: String, rank: Int) throws {
    let path = "\(folder)/rank-\(String(format: "%03d", rank)).log"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      let reason = unsafe String(cString: strerror(errno))
      throw CommandFailure("cannot open the log \(path): \(reason)", exitCode: 74)
    }
    let waiting = state.withLock { state in
      if state.descriptor >= 0 { close(state.descriptor) }
      defer { state = State(descriptor: descriptor) }
      return state.waiting
    }
    for line in waiting { append(line) }
  }

  /// Appends one line with a single write, so that no two records mix.
  func append(_ line: String) {
    state.withLock { state in
      guard state.descriptor >= 0 else { return state.waiting.append(line) }
      let bytes = Array(line.utf8)
      _ = unsafe write(state.descriptor, bytes, bytes.count)
    }
  }
}

/// Puts every record into the rank's file, and warnings and errors on standard error with the rank that has them.
package struct RankLogHandler: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?
  package var logLevel = Logger.Level.info
  private let file: RankLogFile
  /// Who speaks; nil for a rank that is alone.
  private let speaker: Speaker?

  package init(_ file: RankLogFile, speaker: Speaker?) {
    self.file = file
    self.speaker = speaker
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let time = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    file.append("\(time) \(event.level) \(event.message)\n")
    guard event.level >= .warning else { return }
    Console.alert("\(event.level)", "\(event.message)", from: speaker)
  }
}
