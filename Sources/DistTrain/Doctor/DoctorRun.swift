internal import Collective
internal import Foundation
internal import Model

/// The doctor command: one check after the other, each printed as soon as it is done.
struct DoctorRun {
  private let printer: FindingPrinter
  private var findings: [Finding] = []

  /// Runs all checks; throws on all ranks, after the summary, where one failed.
  static func run(
    _ partial: PartialConfiguration, isColored: Bool, _ job: borrowing Job
  ) throws {
    var run = DoctorRun(printer: FindingPrinter(isColored: isColored))
    if try run.comparePrograms(job) { try run.check(partial, job) }
    if job.ranks.isRoot { Console.result(run.printer.summary(run.findings)) }
    let failures = run.findings.count { $0.level == .failure }
    guard try job.ranks.maximum(Int32(failures)) == 0 else {
      throw ReportedFailure(exitCode: 69)
    }
  }

  private init(printer: FindingPrinter) { self.printer = printer }

  /// Only the root knows everything, so its findings are the ones that count.
  private mutating func add(_ more: [Finding], _ job: borrowing Job) {
    findings += more
    guard job.ranks.isRoot else { return }
    for finding in more { for line in printer.lines(finding) { Console.result(line) } }
  }

  /// Whether all ranks run the same program and MPI; without that, they cannot be asked anything else.
  private mutating func comparePrograms(_ job: borrowing Job) throws -> Bool {
    // As many digits as fit the table into a line.
    let fields = try Job.programFields().map {
      HandshakeField($0.name, String($0.value.prefix(40)), cure: $0.cure)
    }
    do throws(HandshakeError) { try job.ranks.shakeHands(fields) } catch {
      guard case .mismatch(let table) = error else { throw error }
      add(
        [
          .failure(
            "versions", "program or MPI differ between the ranks", fix: "as the table below says")
        ], job)
      if job.ranks.isRoot { Console.result(table) }
      return false
    }
    add(
      [
        .fine("program", "disttrain \(DistTrain.version), sha256 \(fields[0].value.prefix(12))"),
        .fine("mpi", fields[1].value),
      ], job)
    return true
  }

  private mutating func check(_ partial: PartialConfiguration, _ job: borrowing Job) throws {
    partial.configuration.precision.setThreadCount(partial.configuration.threadsPerRank)
    job.enter(.load)
    let facts = try job.ranks.allGather(try RankFacts(job.ranks, partial).bytes)
      .map { try RankFacts(bytes: $0) }
    let checks = RankChecks(facts)
    let need = Self.need(partial)
    add([checks.layout, checks.threadLevel, checks.blas, checks.kernel], job)
    add([checks.bfloat16] + checks.threads + checks.memoryDomains + checks.memory(need), job)
    if let path = partial.modelPath {
      add([checks.input("model", key: "model_name_or_path", path: path)], job)
    }
    if let path = partial.datasetPath {
      add([checks.input("data", key: "dataset_path", path: path)], job)
    }
    job.enter(.checkpoint)
    if let path = partial.outputPath {
      let limit = partial.configuration.saveLimit
      add(try OutputChecks(path: path).findings(need, keeping: limit, job), job)
    }
    job.enter(.step)
    add(
      [ClockCheck.finding(try ClockCheck.offsets(over: job.ranks), hosts: facts.map(\.host))], job)
    add(
      NetworkCheck.findings(
        try NetworkProbe.measure(over: job.ranks), ranks: facts.count, hosts: checks.hosts.count),
      job)
  }

  /// What a run with these settings needs; nil where there is no model to tell, or one that cannot be read, which the
  /// check of the model says.
  private static func need(_ partial: PartialConfiguration) -> MemoryEstimate? {
    do { return try PlanRun.memory(partial) } catch { return nil }
  }
}
