import Collective
import TestSupport
import Testing

struct HandshakeTests {
  private static func table(_ values: [(host: String, fields: [(String, String)])]) -> String? {
    let records = values.map { HandshakeRecord(host: $0.host, $0.fields.map { ($0.0, $0.1) }) }
    return HandshakeComparison(
      records.map { HandshakeRecord(bytes: $0.bytes) }, cures: [("model", "copy it")]
    ).table
  }

  @Test func `ranks that are alike have no table`() {
    let fields = [("program", "a1"), ("model", "")]
    #expect(Self.table([("n1", fields), ("n1", fields), ("n2", fields)]) == nil)
  }

  @Test func `the table names field, host, ranks and value, and the cure`() throws {
    let table = try #require(
      Self.table([
        ("n1", [("program", "a"), ("model", "old")]), ("n1", [("program", "a"), ("model", "old")]),
        ("n2", [("program", "a"), ("model", "new")]),
      ]))
    let lines = table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(lines[1] == ["model", "n1", "0-1", "old"])
    #expect(lines[2] == ["n2", "2", "new"])
    #expect(lines[3] == ["model:", "copy", "it"])
    #expect(lines.count == 4)
  }

  @Test func `a rank that does not know a field differs in it`() throws {
    let table = try #require(
      Self.table([("n1", [("a", "1")]), ("n2", [("a", "1"), ("b", "2")])]))
    #expect(table.contains("-") && table.contains("2"))
  }

  @Test func `a record keeps its size and survives any bytes`() {
    let long = String(repeating: "x", count: 5000)
    let record = HandshakeRecord(host: "n1", [("long", long)])
    #expect(record.bytes.count == HandshakeRecord.byteCount)
    #expect(HandshakeRecord(bytes: record.bytes).value("long").count < long.count)
    let garbage = HandshakeRecord(bytes: (0..<4096).map { UInt8(truncatingIfNeeded: $0 * 7) })
    #expect(garbage.value("model") == "-")
  }

  @Test(arguments: [([0, 1, 2, 3, 6], "0-3,6"), ([5], "5"), ([1, 3], "1,3"), ([Int](), "")])
  func `ranks are written as ranges`(ranks: [Int], text: String) {
    #expect(HandshakeComparison.ranges(ranks) == text)
  }

  @Test(
    .enabled(if: MPILauncher.isAvailable, "mpirun is not installed"),
    arguments: [2, 3])
  func `ranks that differ all refuse with the same table`(ranks: Int) async throws {
    let result = try await probe(["handshake", "\(ranks - 1)"], ranks: ranks)
    #expect(result.status == 0, "\(result.errorOutput)")
    #expect(result.sortedLines.count == ranks)
    for line in result.sortedLines { #expect(line.contains("refused")) }
  }
}

struct ThreadPlacementTests {
  private static func rank(_ host: String, _ threads: Int, _ processors: [Int])
    -> ThreadPlacement.Rank
  {
    ThreadPlacement.Rank(host: host, threads: threads, processors: processors)
  }

  @Test func `a thread for each processor is right`() {
    #expect(
      ThreadPlacement.faults([Self.rank("a", 2, [0, 1]), Self.rank("a", 2, [2, 3])]).isEmpty)
  }

  @Test func `a rank bound to one core with two threads is told the flag`() throws {
    let faults = ThreadPlacement.faults([Self.rank("a", 2, [0]), Self.rank("a", 2, [1])])
    #expect(faults.first?.contains("rank 0-1 on a") == true)
    #expect(faults.first?.contains("--map-by slot:PE=2 --bind-to core") == true)
  }

  @Test func `more threads than processors are told per host`() {
    let faults = ThreadPlacement.faults([
      Self.rank("a", 1, [0, 1]), Self.rank("a", 1, [0, 1]), Self.rank("a", 1, [0, 1]),
      Self.rank("b", 1, [0]),
    ])
    #expect(faults.count == 1)
    #expect(faults.first?.hasPrefix("host a: 3 ranks with 3 threads in all share 2") == true)
  }

  @Test(arguments: [("0-3,6", [0, 1, 2, 3, 6]), ("5", [5]), ("", []), ("3-1,x", [])])
  func `the kernel's list of processors is read`(list: String, processors: [Int]) {
    #expect(ProcessorAffinity(list: list[...]).processors == processors)
  }

  @Test func `this process may run somewhere`() {
    #expect(!ProcessorAffinity.current.processors.isEmpty)
  }
}
