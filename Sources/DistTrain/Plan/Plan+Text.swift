internal import Foundation
internal import Model

extension Plan {
  /// The report, within eighty columns.
  package var text: String {
    (heading + [""] + memoryLines + [""] + timeLines + [""] + table).joined(separator: "\n")
  }

  private var heading: [String] {
    let unit = configuration.isEncoder ? "question" : "sequence"
    let (batch, window) = (configuration.batchSize, configuration.accumulation)
    let measured = points.map {
      "\($0.tokens) tokens \(Console.fixed($0.seconds, $0.seconds < 10 ? 2 : 1)) s"
    }
    return [
      row(
        "model", "\(model.architecture), \(Console.grouped(model.parameterCount)) parameters"),
      row(
        model.trained.name,
        "\(model.trained.kind), \(Console.grouped(model.trainedCount)) parameters"),
      row("data", workload.source),
      row("batch", "\(batch) x \(window) \(unit)s per step, \(workload.totalSteps) steps"),
      row(
        "job",
        "\(Self.counted(job.hosts, "host")) x \(Self.counted(job.ranksPerHost, "rank"))"
          + " x \(Self.counted(job.threads, "thread"))"),
      row("measured", measured.joined(separator: ", ")),
      row(
        "",
        model.hasWeights
          ? "forward and backward of a micro-batch with the model's weights"
          : "forward and backward with zeros in the model's shapes, no weights"),
    ]
  }

  var memoryLines: [String] {
    let host = memory.perHost(ranks: job.ranksPerHost)
    return memory.rankLines + [
      "memory per host",
      row("  weights", Self.size(memory.weights) + "  mapped once for all ranks"),
    ] + memory.commonLines + [
      row("  saving", Self.size(memory.saving) + "  the root, while it writes a checkpoint"),
      row(
        "  in all",
        Self.size(host) + (host > availableMemory ? "  MORE THAN" : "  of")
          + " \(Self.size(availableMemory).trimmed) free on this host"),
      row(
        "disk",
        Self.size(memory.disk(keeping: configuration.saveLimit))
          + "  \(configuration.saveLimit) checkpoints of \(Self.size(memory.checkpoint).trimmed),"
          + " one being written"),
    ]
  }

  var timeLines: [String] {
    let step = estimate
    let tokens = workload.meanTokensPerStep / max(step.total, 1e-12)
    return [
      row("step", "\(Self.seconds(step.total))  \(Console.fixed(tokens, 0)) tokens/s"),
      row("  compute", Self.seconds(step.compute)),
      row("  exact sum", Self.seconds(step.exactSum)),
      row("  wait", Self.seconds(step.wait) + "  for the rank with the most tokens"),
      row(
        "  all-reduce",
        Self.seconds(step.allReduce)
          + "  \(Console.fixed(100 * step.communicationShare, 1)) % of the step"),
      row("  update", Self.seconds(step.update)),
      row("network", networkText),
      row(
        "run",
        "\(Self.duration(runSeconds)) for \(workload.totalSteps) steps,"
          + " without scoring and checkpoints"),
    ]
  }

  private var networkText: String {
    guard job.ranks > 1 else { return "one rank" }
    let local = job.network.localBytesPerSecond
    let link = job.network.networkBytesPerSecond
    let rate = link.isFinite ? link : local
    return "\(Console.fixed(rate / 1e6, 0)) MB/s, \(Console.fixed(job.network.latency * 1e6, 1)) us"
      + " (\(job.networkSource))"
  }

  /// Step times on more nodes and other networks, with the share of communication.
  private var table: [String] {
    var lines = [
      "seconds per step (share of communication), \(Self.counted(job.ranksPerHost, "rank")) per node",
      "nodes  micro-batches  compute" + Self.networks,
    ]
    for nodes in Self.nodeCounts {
      let steps = Self.gigabits.map { estimate(nodes: nodes, gigabits: $0) }
      let compute = steps[0].total - steps[0].allReduce
      lines.append(
        Console.padded(String(nodes), 5)
          + Console.padded(String(largestShare(ranks: nodes * job.ranksPerHost)), 15)
          + Console.padded(Self.short(compute), 9)
          + steps.map { step in
            let share = "(\(Console.fixed(100 * step.communicationShare, 0)) %)"
            return Console.padded(Self.short(step.total), 9) + Console.padded(share, 8)
          }.joined())
    }
    return lines
  }

  private static var networks: String {
    gigabits.map { Console.padded("\(Console.fixed($0, 0)) Gbit/s", 17) }.joined()
  }

  private func row(_ name: String, _ value: String) -> String { Self.row(name, value) }

  static func row(_ name: String, _ value: String) -> String {
    name + String(repeating: " ", count: max(1, 15 - name.count)) + value
  }

  private static func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  private static func short(_ seconds: Double) -> String {
    Console.fixed(seconds, seconds < 10 ? 2 : seconds < 1000 ? 1 : 0)
  }

  private static func seconds(_ value: Double) -> String {
    Console.padded(Console.fixed(value, 3), 8) + " s"
  }

  /// Bytes in a column of its own: "  412.3 MiB".
  package static func size(_ bytes: Int) -> String {
    let mebibytes = Double(bytes) / 1_048_576
    return mebibytes < 1024
      ? Console.padded(Console.fixed(mebibytes, 1), 8) + " MiB"
      : Console.padded(Console.fixed(mebibytes / 1024, 2), 8) + " GiB"
  }

  /// "3 h 20 min", "4 min 10 s", "12 s".
  package static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    switch whole {
    case ..<60: return "\(whole) s"
    case ..<3600: return "\(whole / 60) min \(whole % 60) s"
    case ..<172_800: return "\(whole / 3600) h \(whole % 3600 / 60) min"
    default: return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
    }
  }
}

extension MemoryEstimate {
  /// What each rank needs, for reports.
  var rankLines: [String] {
    [
      "memory per rank",
      Plan.row("  activations", Plan.size(activations)),
      Plan.row("  scoring", Plan.size(scoring)),
    ]
      + (gradients > 0
        ? [Plan.row("  gradients", Plan.size(gradients) + "  of one micro-batch")] : [])
      + [
        Plan.row("  program", Plan.size(program) + "  measured"),
        Plan.row("  in all", Plan.size(perRank)),
      ]
  }

  /// What the ranks of a host have in common besides the weights.
  var commonLines: [String] {
    [
      Plan.row("  arenas", Plan.size(arenas) + "  parameters, two moments; one copy"),
      Plan.row("  exact sum", Plan.size(exactSum) + "  64-bit integers; one copy"),
    ]
  }
}

extension String {
  package var trimmed: String { trimmingCharacters(in: .whitespaces) }
}
