internal import Foundation
internal import Glibc

/// Follows a run in a terminal until it has results.
struct RunWatcher {
  let folder: String
  private static let interval = 1.0

  /// Prints how far the run is; on a terminal over and over in one line, else a line for each change.
  func follow() throws {
    let redraws = isatty(STDOUT_FILENO) == 1
    var shown = ""
    var changes = RunProgress.changes(folder)
    var progress = try RunProgress(folder: folder)
    while true {
      let text = progress.text(now: Date())
      if redraws {
        write("\r\u{1B}[K" + fitted(text) + (progress.isFinished ? "\n" : ""))
      } else if text != shown, !progress.isQuiet(now: Date()) || shown.isEmpty {
        write(text + "\n")
      }
      shown = text
      if progress.isFinished { return }
      Thread.sleep(forTimeInterval: Self.interval)
      let now = RunProgress.changes(folder)
      if now != changes { progress = try RunProgress(folder: folder) }
      changes = now
    }
  }

  /// As much as fits one line of the terminal, so that it can be drawn over.
  private func fitted(_ text: String) -> String {
    var size = winsize()
    let isKnown = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return String(text.prefix(isKnown ? Int(size.ws_col) - 1 : 79))
  }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = unsafe Glibc.write(STDOUT_FILENO, bytes, bytes.count)
  }
}
