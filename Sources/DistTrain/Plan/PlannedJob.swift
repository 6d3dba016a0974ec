/// The job that is planned: hosts, ranks, and the network between them.
package struct PlannedJob: Sendable, Equatable {
  package let hosts: Int, ranksPerHost: Int, threads: Int
  package let network: AllReduceModel
  /// Where the network's figures come from.
  package let networkSource: String
  /// The figures within a host and the latency between hosts, for other networks than this one.
  package let localBytesPerSecond: Double, latency: Double

  package var ranks: Int { hosts * ranksPerHost }

  /// What the user asks for; nil is taken from the running job, or assumed.
  package struct Request: Sendable, Equatable {
    package var hosts: Int?, ranksPerHost: Int?
    /// Gbit/s of a host's link, and microseconds of a message.
    package var bandwidth: Double?, latency: Double?

    package init() {}
  }

  /// The job that runs now, and what was measured in it.
  package struct Running: Sendable, Equatable {
    package let hosts: Int, ranks: Int
    package let times: [AllReduceTime]
    package let pieceBytes: Int

    package init(hosts: Int, ranks: Int, times: [AllReduceTime], pieceBytes: Int) {
      self.hosts = hosts
      self.ranks = ranks
      self.times = times
      self.pieceBytes = pieceBytes
    }
  }

  /// A link that nobody told anything about.
  private static let assumedGigabits = 10.0
  /// A message through shared memory.
  private static let localLatency = 2e-6

  package init(_ request: Request, running: Running, threads: Int) {
    let hosts = request.hosts ?? running.hosts
    let perHost =
      request.ranksPerHost ?? max(1, (running.ranks + running.hosts - 1) / running.hosts)
    let measured =
      running.times.isEmpty
      ? nil
      : AllReduceModel(
        running.times, ranks: running.ranks, hosts: running.hosts, pieceBytes: running.pieceBytes)
    let isMeasuredBetween = running.hosts > 1 && measured != nil
    let localRate = running.hosts == 1 ? measured?.localBytesPerSecond : nil
    let given = request.latency.map { $0 / 1e6 }
    let between =
      given ?? (isMeasuredBetween ? measured?.latency : nil) ?? AllReduceModel.assumedLatency
    self.hosts = hosts
    ranksPerHost = perHost
    self.threads = threads
    latency = between
    localBytesPerSecond = localRate ?? AllReduceModel.assumedLocalRate
    if let measured, hosts == 1, running.hosts == 1 {
      network = measured
      networkSource = "measured within this host"
    } else if hosts == 1 {
      network = AllReduceModel(
        networkBytesPerSecond: .infinity, localBytesPerSecond: localBytesPerSecond,
        latency: Self.localLatency, pieceBytes: running.pieceBytes)
      networkSource = "one host, memory rate assumed"
    } else if let measured, isMeasuredBetween, request.bandwidth == nil {
      network = AllReduceModel(
        networkBytesPerSecond: measured.networkBytesPerSecond,
        localBytesPerSecond: measured.localBytesPerSecond, latency: between,
        pieceBytes: running.pieceBytes)
      networkSource = "measured between these hosts"
    } else {
      network = AllReduceModel(
        gigabits: request.bandwidth ?? Self.assumedGigabits, latency: between,
        localBytesPerSecond: localBytesPerSecond, pieceBytes: running.pieceBytes)
      networkSource = request.bandwidth == nil ? "assumed; give --bandwidth" : "as given"
    }
  }

  /// The same job over a link of another rate.
  package func network(gigabits: Double) -> AllReduceModel {
    AllReduceModel(
      gigabits: gigabits, latency: latency, localBytesPerSecond: localBytesPerSecond,
      pieceBytes: network.pieceBytes)
  }
}
