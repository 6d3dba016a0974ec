/// What a finished command left behind.
package struct CommandResult: Sendable {
  /// The exit code, or 128 plus the signal that ended the command.
  package let status: Int32
  package let output: String
  package let errorOutput: String

  /// The lines of the output, sorted because ranks write in any order.
  package var sortedLines: [String] {
    output.split(separator: "\n").map { String($0) }.sorted()
  }
}

/// A command was still running at its time limit and has been ended.
package struct CommandTimedOut: Error, CustomStringConvertible {
  package let command: [String]
  package let limit: Duration
  package let result: CommandResult

  package var description: String {
    "\(command.joined(separator: " ")) did not end within \(limit) and was ended.\n"
      + "output: \(result.output)\nerror output: \(result.errorOutput)"
  }
}
