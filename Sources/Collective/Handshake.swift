internal import MPIShim

/// One thing that all ranks must have alike before they work together.
package struct HandshakeField: Sendable, Equatable {
  package let name: String
  package let value: String
  /// What to do where the ranks differ in it.
  package let cure: String

  package init(_ name: String, _ value: String, cure: String) {
    self.name = name
    self.value = value
    self.cure = cure
  }
}

/// Why the ranks must not work together; the same on all of them.
package enum HandshakeError: Error, Equatable, CustomStringConvertible {
  /// The ranks differ; `table` has a line for each value of each field, with its hosts and ranks.
  case mismatch(table: String)
  case communication(MPIError)

  package var description: String {
    switch self {
    case .mismatch(let table): "the ranks differ and must not go on together:\n\(table)"
    case .communication(let error): "the ranks could not compare themselves. \(error)"
    }
  }
}

extension Communicator {
  /// Throws on all ranks, with the same table, where their fields differ.
  ///
  /// Communication: one MPI_Allgather of `HandshakeRecord.byteCount` bytes per rank, a size that no version of the
  /// program changes, so that the comparison itself cannot be cut off (MPI 3.1, 5.7).
  package func shakeHands(_ fields: [HandshakeField]) throws(HandshakeError) {
    guard let handle = unsafe handle else { return }
    let record = HandshakeRecord(host: hostName, fields.map { ($0.name, $0.value) }).bytes
    var all = [UInt8](repeating: 0, count: record.count * worldSize)
    do throws(MPIError) {
      let size = try checkedCount(record.count, "MPI_Allgather")
      try call("MPI_Allgather") {
        unsafe MPI_Allgather(record, size, mpi_shim_byte(), &all, size, mpi_shim_byte(), handle)
      }
    } catch {
      throw .communication(error)
    }
    let records = stride(from: 0, to: all.count, by: record.count).map {
      HandshakeRecord(bytes: Array(all[$0..<$0 + record.count]))
    }
    let comparison = HandshakeComparison(records, cures: fields.map { ($0.name, $0.cure) })
    guard let table = comparison.table else { return }
    throw .mismatch(table: table)
  }
}

/// What one rank says of itself, in a fixed number of bytes: texts that each end with a zero byte, host first.
package struct HandshakeRecord: Equatable {
  package static let byteCount = 4096
  private static let longestText = 160

  package let host: String
  /// Names and values, in the rank's own order.
  package let fields: [String]

  package init(host: String, _ fields: [(name: String, value: String)]) {
    self.host = host
    self.fields = fields.flatMap { [$0.name, $0.value] }
  }

  package var bytes: [UInt8] {
    var texts: [UInt8] = []
    for text in [host] + fields { texts += text.utf8.prefix(Self.longestText) + [0] }
    precondition(texts.count <= Self.byteCount, "a handshake has too many fields")
    return texts + [UInt8](repeating: 0, count: Self.byteCount - texts.count)
  }

  /// What another rank sent, whatever its program wrote there.
  package init(bytes: [UInt8]) {
    var texts = bytes.split(separator: 0, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    while texts.last?.isEmpty == true { texts.removeLast() }
    host = texts.first ?? "unknown"
    fields = Array(texts.dropFirst())
  }

  /// The value of a field, or a dash where the rank does not know of it.
  package func value(_ name: String) -> String {
    for index in stride(from: 0, to: fields.count, by: 2) where fields[index] == name {
      return index + 1 < fields.count ? fields[index + 1] : ""
    }
    return "-"
  }
}

/// Finds the fields that differ and puts them into a table.
package struct HandshakeComparison {
  private let records: [HandshakeRecord]
  private let cures: [(name: String, cure: String)]

  /// The table, or nil where all agree.
  package var table: String? {
    var names: [String] = []
    for record in records {
      for index in stride(from: 0, to: record.fields.count, by: 2)
      where !names.contains(record.fields[index]) { names.append(record.fields[index]) }
    }
    let differing = names.filter { name in
      records.contains { $0.value(name) != records[0].value(name) }
    }
    guard !differing.isEmpty else { return nil }
    let lines = [row("field", "host", "rank", "value")] + differing.flatMap(rows)
    let advice = differing.compactMap { name in
      cures.first { $0.name == name }.map { "  \(name): \($0.cure)" }
    }
    return (lines + advice).joined(separator: "\n")
  }

  package init(_ records: [HandshakeRecord], cures: [(name: String, cure: String)]) {
    self.records = records
    self.cures = cures
  }

  /// A line for every host and value of one field.
  private func rows(_ name: String) -> [String] {
    var groups: [(host: String, value: String, ranks: [Int])] = []
    for (rank, record) in records.enumerated() {
      let value = record.value(name)
      if let index = groups.firstIndex(where: { $0.host == record.host && $0.value == value }) {
        groups[index].ranks.append(rank)
      } else {
        groups.append((record.host, value, [rank]))
      }
    }
    return groups.enumerated().map { index, group in
      row(index == 0 ? name : "", group.host, Self.ranges(group.ranks), group.value)
    }
  }

  private func row(_ field: String, _ host: String, _ rank: String, _ value: String) -> String {
    func cell(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(1, width - text.count))
    }
    return "  " + cell(field, 15) + cell(host, 13) + cell(rank, 8) + String(value.prefix(64))
  }

  /// "0-3,6" for 0, 1, 2, 3, 6.
  package static func ranges(_ ranks: [Int]) -> String {
    var parts: [ClosedRange<Int>] = []
    for rank in ranks {
      if let last = parts.last, last.upperBound + 1 == rank {
        parts[parts.count - 1] = last.lowerBound...rank
      } else {
        parts.append(rank...rank)
      }
    }
    return parts.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ",")
  }
}
