internal import Foundation
internal import Glibc
package import Model

/// What a person sees while a job runs: progress and errors on standard error, results on standard output.
package enum Console {
  private static let screen = Screen { write(Array($0.utf8), to: $1) }

  /// Shows everything from here on as `terminal` says.
  package static func use(_ terminal: Terminal) { screen.use(terminal) }

  package static var terminal: Terminal { screen.terminal }

  /// One line of progress; `event` is what programs are told instead, see `Screen`.
  package static func note(_ text: String, event: JSONObject? = nil) {
    screen.note(text, event: event)
  }

  /// A warning or an error.
  package static func alert(_ level: String, _ message: String, from speaker: Speaker? = nil) {
    screen.alert(level: level, speaker: speaker, message)
  }

  /// One line of result.
  package static func result(_ text: String) { screen.result(text) }

  /// How far the work is, see `Screen`.
  package static func progress(
    isLong: Bool = false, live: (Terminal) -> String,
    line: () -> (text: String, event: JSONObject)
  ) {
    screen.progress(isLong: isLong, live: live, line: line)
  }

  /// Takes the live line away, at the end of the work.
  package static func endLive() { screen.endLive() }

  /// Passes on what another program wrote to its standard error.
  package static func pass(_ bytes: [UInt8]) { write(bytes, to: STDERR_FILENO) }

  private static func write(_ all: [UInt8], to descriptor: Int32) {
    var bytes = all[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
      }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  /// `value` with a fixed number of digits after the point.
  package static func fixed(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }

  /// `text` filled with spaces on its left to `width` characters.
  package static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// A whole number with commas between thousands.
  package static func grouped(_ value: Int) -> String {
    var digits = String(value.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }
}
