internal import Foundation

/// The mpirun line of a job.
package struct MPICommand: Sendable {
  package var ranks: Int
  package let threads: Int
  package var hostFile: String?
  /// The network between the hosts; nil leaves the choice to mpirun.
  package let network: String?
  package let arguments: [String]
  /// The terminal of this process, which the ranks are told of.
  package var terminal: Terminal?
  /// Cores of this host, which decide how ranks are bound where there is no host file.
  package var cores = ProcessInfo.processInfo.activeProcessorCount

  package init(
    ranks: Int, threads: Int, hostFile: String?, network: String?, arguments: [String]
  ) {
    self.ranks = ranks
    self.threads = threads
    self.hostFile = hostFile
    self.network = network
    self.arguments = arguments
  }

  /// mpirun, how it places and connects the ranks, this program and its arguments.
  package var words: [String] {
    ["mpirun", "-n", String(ranks)] + placement + connection + exports + [Self.program] + arguments
  }

  private var placement: [String] {
    if let hostFile {
      return ["--hostfile", hostFile, "--map-by", "slot:PE=\(threads)", "--bind-to", "core"]
    }
    return ranks * threads <= cores
      ? ["--map-by", "slot:PE=\(threads)", "--bind-to", "core"]
      : ["--oversubscribe", "--bind-to", "none"]
  }

  /// The interfaces to use, and how soon a host that vanished is noticed: 60 s + 3 x 10 s, before the ranks' watchdogs.
  ///
  /// With a single connection between two ranks, the request for one's data waits behind the data of the other, and both
  /// directions take turns; two connections let them flow at once.
  private var connection: [String] {
    guard hostFile != nil else { return [] }
    let interfaces = network.map { network in
      ["btl_tcp_if_include", "oob_tcp_if_include"].flatMap { ["--mca", $0, network] }
    }
    return (interfaces ?? []) + Self.setting("btl_tcp_links", 2)
      + Self.setting("oob_tcp_keepalive_time", 60)
      + Self.setting("oob_tcp_keepalive_intvl", 10) + Self.setting("oob_tcp_keepalive_probes", 3)
  }

  static let keepaliveSeconds = 90.0

  private static func setting(_ name: String, _ value: Int) -> [String] {
    ["--mca", name, String(value)]
  }

  private static let exported = [
    "HF_HOME", "HF_HUB_CACHE", "LD_LIBRARY_PATH", "OPENBLAS_CORETYPE",
  ]

  /// Only OMPI_* variables reach other hosts by themselves.
  private var exports: [String] {
    let environment = ProcessInfo.processInfo.environment
    let names = environment.keys.filter {
      $0.hasPrefix("DISTTRAIN_") && $0 != Terminal.variable
        || Self.exported.contains($0)
    }
    return names.sorted().flatMap { ["-x", $0] }
      + (terminal.map { ["-x", "\(Terminal.variable)=\($0.word)"] } ?? [])
  }

  /// This program by its full path, which must be the same on all hosts.
  static var program: String {
    do {
      return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    } catch {
      return CommandLine.arguments.first ?? "disttrain"
    }
  }
}
