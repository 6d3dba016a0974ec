internal import Collective
internal import Foundation

/// What follows from the facts of all ranks, in rank order.
package struct RankChecks: Sendable {
  private let ranks: [RankFacts]

  package init(_ ranks: [RankFacts]) { self.ranks = ranks }

  /// Hosts in the order of their first ranks.
  package var hosts: [String] {
    ranks.reduce(into: []) { if !$0.contains($1.host) { $0.append($1.host) } }
  }

  private func ranks(on host: String) -> [RankFacts] { ranks.filter { $0.host == host } }

  package var layout: Finding {
    let places = hosts.map { "\($0) (\(ranks(on: $0).count))" }
    let total = ranks.count
    return .fine(
      "ranks", "\(total) rank\(total == 1 ? "" : "s") on " + places.joined(separator: ", "))
  }

  package var blas: Finding {
    compare(
      "blas", \.blasCore, like: "OpenBLAS kernels for",
      fix: "export OPENBLAS_CORETYPE with one of these names: other kernels round differently",
      isFatal: true)
  }

  package var kernel: Finding {
    compare(
      "kernel", \.kernel, like: "",
      fix: "nothing to do while all goes well; update the older hosts if one behaves oddly",
      isFatal: false)
  }

  package var threadLevel: Finding {
    let level = ranks.first?.threadLevel ?? "unknown"
    guard level != "MPI_THREAD_SINGLE", level != "unknown" else {
      return .failure(
        "mpi threads", level, fix: "install an Open MPI that is built with thread support")
    }
    return .fine("mpi threads", level)
  }

  /// A value that should be the same everywhere.
  private func compare(
    _ name: String, _ value: (RankFacts) -> String, like prefix: String, fix: String, isFatal: Bool
  ) -> Finding {
    let different = Set(ranks.map(value)).sorted()
    guard different.count > 1 else {
      return .fine(name, "\(prefix) \(different.first ?? "unknown")".trimmed)
    }
    let list = different.map { text in
      let places = hosts.filter { host in ranks(on: host).contains { value($0) == text } }
      return "\(text) on \(places.joined(separator: ", "))"
    }
    let detail = list.joined(separator: "; ")
    return isFatal ? .failure(name, detail, fix: fix) : .warning(name, detail, fix: fix)
  }

  /// Threads against the processors they may run on.
  package var threads: [Finding] {
    let faults = ThreadPlacement.faults(
      ranks.map { .init(host: $0.host, threads: $0.threads, processors: $0.processors) })
    guard faults.isEmpty else { return faults.map { .failure("threads", sentence: $0) } }
    let threads = ranks.first?.threads ?? 1
    let counts = Set(ranks.map(\.processors.count)).sorted().map(String.init)
    return [
      .fine(
        "threads",
        "\(threads) per rank; each rank may use \(counts.joined(separator: " or "))"
          + " processor\(counts == ["1"] ? "" : "s")")
    ]
  }

  /// Whether every part of a host's memory has a rank beside it.
  package var memoryDomains: [Finding] {
    hosts.compactMap { host in
      let local = ranks(on: host)
      let domains = local.first?.memoryDomains ?? 1
      guard domains > 1 else { return nil }
      let detail =
        "\(host): \(domains) NUMA domains, \(local.count) rank\(local.count == 1 ? "" : "s")"
      guard local.count < domains else { return .fine("numa", detail) }
      return .warning(
        "numa", detail,
        fix:
          "start a rank for each domain, with threads_per_rank its cores: a rank reaches the memory"
          + " of its own domain fastest")
    }
  }

  /// What precision: bfloat16 would run on.
  package var bfloat16: Finding {
    compare(
      "bfloat16", \.bfloat16, like: "",
      fix: "use precision: float32 on these hosts together, or the same processors and oneDNN",
      isFatal: false)
  }

  /// Free memory of each host against what its ranks need.
  package func memory(_ need: MemoryEstimate?) -> [Finding] {
    hosts.map { host in
      let local = ranks(on: host)
      let free = local.map(\.availableMemory).min() ?? 0
      let size = Plan.size(free).trimmed
      guard let need else { return .fine("memory", "\(host): \(size) free") }
      let wanted = need.perHost(ranks: local.count)
      let detail = "\(host): \(size) free, \(Plan.size(wanted).trimmed) needed"
      guard wanted > free else { return .fine("memory", detail) }
      return .failure(
        "memory", detail,
        fix: "start fewer ranks there (\(Plan.size(need.perRank).trimmed) each), or lower"
          + " per_device_train_batch_size or max_length")
    }
  }

  /// Whether every host can read an input, and reads the same bytes.
  package func input(_ name: String, key: String, path: String) -> Finding {
    for host in hosts {
      let first = ranks(on: host).first
      guard first?.digests[name] == nil else { continue }
      let isEverywhere = hosts.allSatisfy { ranks(on: $0).first?.digests[name] == nil }
      return .failure(
        name, "\(host): \(first?.faults[name] ?? "not looked at")",
        fix: isEverywhere
          ? "give \(key) the right path: \(Self.expectation(name))"
          : "copy \(path) to the same path on \(host)")
    }
    let digests = Set(ranks.compactMap { $0.digests[name] })
    guard digests.count == 1, let digest = digests.first else {
      return .failure(
        name, "\(path) is not the same on all hosts",
        fix: "copy it from one host to the others, for example with rsync -a --checksum")
    }
    let places = hosts.count == 1 ? "" : ", the same on \(hosts.count) hosts"
    return .fine(name, "\(path), sha256 \(digest.prefix(12))\(places)")
  }

  private static func expectation(_ name: String) -> String {
    name == "model"
      ? "the folder with config.json, the safetensors files and tokenizer.json"
      : "a JSON array of questions"
  }
}
