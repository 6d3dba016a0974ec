internal import Model

/// Hosts and how many ranks each takes, as Open MPI's host files list them: "node01 slots=2 max_slots=4  # comment".
package struct HostFile: Sendable, Equatable {
  package struct Host: Sendable, Equatable {
    package let name: String
    /// Ranks the host takes; nil lets mpirun count its cores.
    package let slots: Int?
    /// The line as it stands, without its comment.
    package let line: String
  }
  package let hosts: [Host]

  package init(path: String) throws {
    let bytes: [UInt8]
    do { bytes = try InputFile.bytes(path, limit: WholeFile.textLimit) } catch {
      throw CommandFailure("cannot read the host file: \(path) \(error.reason)", exitCode: 66)
    }
    try self.init(text: String(decoding: bytes, as: UTF8.self), name: path)
  }

  package init(text: String, name: String) throws {
    var hosts: [Host] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      guard let host = words.first else { continue }
      hosts.append(
        Host(
          name: String(host), slots: try Self.slots(words.dropFirst(), "\(name):\(index + 1)"),
          line: words.joined(separator: " ")))
    }
    guard !hosts.isEmpty else {
      throw CommandFailure(
        "\(name) names no host; write one per line: node01 slots=2", exitCode: 78)
    }
    self.hosts = hosts
  }

  package init(hosts: [Host]) { self.hosts = hosts }

  private static func slots(_ words: ArraySlice<Substring>, _ place: String) throws -> Int? {
    var slots: Int?
    for word in words {
      let pair = word.split(separator: "=", omittingEmptySubsequences: false)
      guard pair.count == 2, ["slots", "max_slots", "max-slots"].contains(pair[0]),
        let number = Int(pair[1]), number > 0
      else {
        throw CommandFailure(
          "\(place): '\(word)' is not slots=NUMBER or max_slots=NUMBER", exitCode: 78)
      }
      if pair[0] == "slots" { slots = number }
    }
    return slots
  }

  /// Ranks that all hosts take together; nil where a host leaves it to mpirun.
  package var totalSlots: Int? {
    hosts.reduce(0 as Int?) { sum, host in
      guard let sum, let slots = host.slots else { return nil }
      return sum + slots
    }
  }

  /// The file's text for mpirun.
  package var text: String { hosts.map { $0.line + "\n" }.joined() }
}
