import DistTrain
import Foundation
import TestSupport
import Testing

struct RankChecksTests {
  private static func facts(_ host: String, _ change: (inout RankFacts) -> Void = { _ in })
    -> RankFacts
  {
    var facts = RankFacts()
    facts.host = host
    facts.processors = [0, 1]
    facts.kernel = "Linux 6.1"
    facts.blasCore = "Zen"
    facts.threadLevel = "MPI_THREAD_FUNNELED"
    facts.availableMemory = 1 << 30
    facts.digests = ["model": "aaaa"]
    change(&facts)
    return facts
  }

  @Test func `equal hosts are fine`() {
    let checks = RankChecks([Self.facts("a"), Self.facts("b")])
    let findings =
      [checks.layout, checks.blas, checks.kernel, checks.threadLevel] + checks.threads
      + checks.memory(nil) + [checks.input("model", key: "model_name_or_path", path: "/m")]
    for finding in findings { #expect(finding.level == .fine, "\(finding)") }
    #expect(checks.layout.detail == "2 ranks on a (1), b (1)")
  }

  @Test func `a domain of memory without a rank is told`() {
    let two = RankChecks([Self.facts("a") { $0.memoryDomains = 2 }, Self.facts("b")])
    #expect(two.memoryDomains.map(\.level) == [.warning])
    #expect(two.memoryDomains.first?.detail == "a: 2 NUMA domains, 1 rank")
    let both = RankChecks((0..<2).map { _ in Self.facts("a") { $0.memoryDomains = 2 } })
    #expect(both.memoryDomains.map(\.level) == [.fine])
    #expect(RankChecks([Self.facts("a")]).memoryDomains.isEmpty)
  }

  @Test func `hosts that multiply bfloat16 differently are told`() {
    let checks = RankChecks([
      Self.facts("a") { $0.bfloat16 = "oneDNN 2.6.3" }, Self.facts("b") { $0.bfloat16 = "none" },
    ])
    #expect(checks.bfloat16.level == .warning)
    #expect(checks.bfloat16.detail == "none on b; oneDNN 2.6.3 on a")
  }

  @Test func `another BLAS kernel is red and another Linux is not`() {
    let checks = RankChecks([
      Self.facts("a"),
      Self.facts("b") { facts in
        facts.blasCore = "Haswell"
        facts.kernel = "Linux 5.10"
      },
    ])
    #expect(checks.blas.level == .failure)
    #expect(checks.blas.detail == "Haswell on b; Zen on a")
    #expect(checks.blas.fix?.contains("OPENBLAS_CORETYPE") == true)
    #expect(checks.kernel.level == .warning)
  }

  @Test func `more threads than processors are red with the flag that cures it`() {
    let checks = RankChecks([Self.facts("a") { $0.threads = 5 }])
    #expect(checks.threads.map(\.level) == [.failure, .failure])
    #expect(checks.threads[0].fix?.contains("--map-by slot:PE=5") == true)
    #expect(checks.threads[1].fix?.contains("start fewer ranks there") == true)
  }

  @Test func `a host without the model gets a copy, and no host a right path`() {
    let lacks = Self.facts("b") { facts in
      facts.digests = [:]
      facts.faults = ["model": "/m does not exist"]
    }
    let one = RankChecks([Self.facts("a"), lacks])
      .input("model", key: "model_name_or_path", path: "/m")
    #expect(one.level == .failure && one.detail == "b: /m does not exist")
    #expect(one.fix == "copy /m to the same path on b")
    let none = RankChecks([lacks]).input("model", key: "model_name_or_path", path: "/m")
    #expect(none.fix?.contains("give model_name_or_path the right path") == true)
    let other = Self.facts("b") { $0.digests = ["model": "bbbb"] }
    let two = RankChecks([Self.facts("a"), other])
      .input("model", key: "model_name_or_path", path: "/m")
    #expect(two.level == .failure && two.detail.contains("not the same"))
  }

  @Test(arguments: [(0.4, Finding.Level.fine), (3.5, .warning)])
  func `clocks apart are a warning`(seconds: Double, level: Finding.Level) {
    #expect(ClockCheck.finding([0, seconds], hosts: ["a", "b"]).level == level)
  }

  @Test(arguments: [(0.1, Finding.Level.fine), (4.0, .warning)])
  func `a slow network is a warning`(seconds: Double, level: Finding.Level) {
    let findings = NetworkCheck.findings(
      [.init(bytes: 8, seconds: 1e-4), .init(bytes: 16 << 20, seconds: seconds)], ranks: 2,
      hosts: 2)
    #expect(findings.map(\.level) == [.fine, level])
    #expect(findings[0].detail == "8 B: 100.0 us")
  }
}

struct FindingPrinterTests {
  private static let finding = Finding.failure(
    "model", "node1: /a/very/long/path " + String(repeating: "word ", count: 30),
    fix: String(repeating: "x", count: 100))

  @Test func `lines fit eighty columns and keep every word`() {
    let lines = FindingPrinter(isColored: false).lines(Self.finding)
    for line in lines { #expect(line.count <= 80, "\(line)") }
    #expect(lines[0].hasPrefix("FAIL  model       node1: "))
    #expect(lines.joined().components(separatedBy: "word").count == 31)
    #expect(lines.contains { $0.hasPrefix("                  fix: x") || $0.hasSuffix("fix:") })
  }

  @Test func `colour is there only where it is wanted`() {
    #expect(FindingPrinter(isColored: true).lines(Self.finding)[0].contains("\u{1B}[31mFAIL"))
    #expect(!FindingPrinter(isColored: false).lines(Self.finding)[0].contains("\u{1B}"))
  }

  @Test func `the summary counts`() {
    let printer = FindingPrinter(isColored: false)
    let fine = Finding.fine("a", "b")
    let warning = Finding.warning("a", "b", fix: "c")
    #expect(printer.summary([fine, fine]) == "all 2 checks are green: ready")
    #expect(printer.summary([fine, warning]) == "1 warning in 2 checks: ready")
    #expect(
      printer.summary([Self.finding, warning])
        == "1 failure, 1 warning in 2 checks: do not train yet")
  }
}

@Suite(.serialized)
struct DoctorCommandTests {
  @Test(
    .enabled(
      if: CommandRunner.hasMPI && ProcessInfo.processInfo.activeProcessorCount > 1,
      "needs mpirun and two processors"))
  func `two ranks on this machine are green`() throws {
    let tiny = try TinyRun()
    let result = try CommandRunner.run("disttrain", ["doctor"] + tiny.settings("run"), ranks: 2)
    #expect(result.status == 0, "\(result.output) \(result.errorOutput)")
    let lines = result.output.split(separator: "\n")
    for line in lines { #expect(line.count <= 80, "\(line)") }
    #expect(!result.output.contains("FAIL") && !result.output.contains("\u{1B}"))
    for name in [
      "program", "mpi", "mpi threads", "blas", "kernel", "threads", "memory", "model", "data",
      "disk", "output", "clocks",
    ] {
      #expect(
        lines.count {
          $0.hasPrefix("ok    " + name.padding(toLength: 12, withPad: " ", startingAt: 0))
        } == 1, "\(name)")
    }
    #expect(lines.count { $0.hasPrefix("ok    all-reduce  ") } == 3)
    #expect(lines.last?.hasSuffix("checks are green: ready") == true)
    #expect(!FileManager.default.fileExists(atPath: tiny.folder + "/run"))
  }

  @Test func `a missing model folder and too many threads are red with what to do`() throws {
    let tiny = try TinyRun()
    let result = try CommandRunner.run(
      "disttrain",
      ["doctor"] + tiny.settings("run", ["model_name_or_path=/nowhere", "threads_per_rank=999"]))
    #expect(result.status == 69)
    #expect(result.output.contains("FAIL  model       "), "\(result.output)")
    #expect(result.output.contains("/nowhere does not exist"))
    #expect(result.output.contains("fix: give model_name_or_path the right path"))
    #expect(result.output.contains("FAIL  threads     "))
    #expect(result.output.contains("lower threads_per_rank"))
    #expect(result.output.contains(": do not train yet"))
  }

  @Test(.enabled(if: CommandRunner.hasMPI, "mpirun is not installed"))
  func `a failure under mpirun has the code of a failure`() throws {
    let result = try CommandRunner.run(
      "disttrain", ["doctor", "model_name_or_path=/nowhere"], ranks: 2)
    #expect(result.status == 69, "\(result.errorOutput)")
  }

  @Test func `nothing given checks what there is`() throws {
    let result = try CommandRunner.run("disttrain", ["doctor"])
    #expect(result.status == 0, "\(result.output) \(result.errorOutput)")
    #expect(result.output.contains("one rank: nothing to measure"))
  }

  @Test func `a folder that cannot be made is red`() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write("", to: "file")
    let result = try CommandRunner.run(
      "disttrain", ["doctor", "output_dir=\(folder.path)/file/run"])
    #expect(result.status == 69)
    #expect(result.output.contains("cannot be written"), "\(result.output)")
  }

  @Test func `an unknown setting is no check`() throws {
    let result = try CommandRunner.run("disttrain", ["doctor", "no_such_key=1"])
    #expect(result.status == 78)
  }
}
