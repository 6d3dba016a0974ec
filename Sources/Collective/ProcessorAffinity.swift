internal import Glibc

/// The processors that this process may run on (sched_getaffinity(2)).
package struct ProcessorAffinity: Sendable, Equatable {
  package let processors: [Int]

  /// What the kernel says; all processors 0..<online where it says nothing.
  package static var current: ProcessorAffinity {
    var set = cpu_set_t()
    let size = MemoryLayout<cpu_set_t>.size
    guard unsafe sched_getaffinity(0, size, &set) == 0 else {
      return ProcessorAffinity(processors: Array(0..<max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
    }
    let bytes = unsafe withUnsafeBytes(of: &set) { unsafe Array($0) }
    return ProcessorAffinity(
      processors: (0..<8 * size).filter { bytes[$0 / 8] >> UInt8($0 % 8) & 1 == 1 })
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
          "host \(host): \(local.count) ranks with \(threads) threads in all share \(processors)"
            + " processor\(processors == 1 ? "" : "s"); start fewer ranks there (slots in the host"
            + " file, or -n), or lower threads_per_rank")
      }
    }
    return faults
  }
}
