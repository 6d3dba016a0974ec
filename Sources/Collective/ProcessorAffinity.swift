internal import Glibc

/// The processors that this process may run on, as /proc/self/status lists them (proc(5), Cpus_allowed_list).
package struct ProcessorAffinity: Sendable, Equatable {
  package let processors: [Int]

  /// What the kernel says; one processor where it says nothing.
  package static var current: ProcessorAffinity {
    let status = Self.status()
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
    return ProcessorAffinity(list: line?.split(whereSeparator: \.isWhitespace).last ?? "0")
  }

  /// Reads "0-3,6".
  package init(list: Substring) {
    processors = list.split(separator: ",").flatMap { part in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [Int]() }
      return Array(first...last)
    }
  }

  private static func status() -> String {
    guard let file = unsafe fopen("/proc/self/status", "r") else { return "" }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 14)
    let count = unsafe fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  package init(processors: [Int]) { self.processors = processors }
}

/// How the threads of all ranks fit the processors they may run on.
package enum ThreadPlacement {
  /// One rank's part of the picture.
  package struct Rank: Sendable, Equatable {
    package let host: String
    package let threads: Int
    package let processors: [Int]

    package init(host: String, threads: Int, processors: [Int]) {
      self.host = host
      self.threads = threads
      self.processors = processors
    }
  }

  /// What is wrong, a sentence each with the flag that cures it; empty where every thread has a processor of its own.
  ///
  /// Communication: one gather of texts; the ranks other than the root get none.
  package static func faults(
    threadsPerRank: Int, over communicator: Communicator
  ) throws(MPIError) -> [String] {
    let processors = ProcessorAffinity.current.processors.map(String.init).joined(separator: ",")
    let text = [communicator.hostName, String(threadsPerRank), processors].joined(separator: "\n")
    let all = try communicator.gather(Array(text.utf8)) ?? []
    return faults(
      all.map { bytes in
        let lines = String(decoding: bytes, as: UTF8.self)
          .split(separator: "\n", omittingEmptySubsequences: false)
        return Rank(
          host: String(lines[0]), threads: Int(lines[1]) ?? 1,
          processors: ProcessorAffinity(list: lines[2]).processors)
      })
  }

  /// The same for ranks that are known.
  package static func faults(_ ranks: [Rank]) -> [String] {
    var faults: [String] = []
    let narrow = ranks.indices.filter { ranks[$0].processors.count < ranks[$0].threads }
    if let first = narrow.first {
      let (threads, count) = (ranks[first].threads, ranks[first].processors.count)
      faults.append(
        "rank \(HandshakeComparison.ranges(narrow)) on \(ranks[first].host): \(threads) threads are"
          + " asked for, and the rank may use \(count) processor\(count == 1 ? "" : "s"); start mpirun"
          + " with --map-by slot:PE=\(threads) --bind-to core, or lower threads_per_rank")
    }
    for host in Set(ranks.map(\.host)).sorted() {
      let local = ranks.filter { $0.host == host }
      let threads = local.reduce(0) { $0 + $1.threads }
      let processors = Set(local.flatMap(\.processors)).count
      if threads > processors {
        faults.append(
          "host \(host): \(local.count) rank\(local.count == 1 ? "" : "s") with \(threads) threads in all share \(processors)"
            + " processor\(processors == 1 ? "" : "s"); start fewer ranks there (slots in the host"
            + " file, or -n), or lower threads_per_rank")
      }
    }
    return faults
  }
}
