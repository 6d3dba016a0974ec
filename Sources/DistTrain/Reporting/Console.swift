internal import Foundation
internal import Glibc

/// What a person sees while a job runs: progress and errors on standard error, results on standard output.
package enum Console {
  /// One line of progress.
  package static func note(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

  /// One line of result.
  package static func result(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

  /// Passes on what another program wrote to its standard error.
  package static func pass(_ bytes: [UInt8]) { write(bytes, to: STDERR_FILENO) }

  private static func write(_ text: String, to descriptor: Int32) {
    write(Array(text.utf8), to: descriptor)
  }

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
