internal import Collective
internal import Foundation

/// The host this process runs on.
package enum Machine {
  /// The CPU as /proc/cpuinfo names it, or the architecture where it does not.
  package static let cpuName: String = {
    let text = FileManager.default.contents(atPath: "/proc/cpuinfo") ?? Data()
    let line = String(decoding: text, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("model name") }
    return line?.split(separator: ":", maxSplits: 1).last.map { $0.trimmed } ?? "unknown"
  }()

  package static var coreCount: Int { ProcessInfo.processInfo.activeProcessorCount }
  package static var memoryBytes: Int { Int(ProcessInfo.processInfo.physicalMemory) }
  package static var system: String { ProcessInfo.processInfo.operatingSystemVersionString }

  /// The MPI library in one line.
  package static var mpiLibrary: String {
    MPIEnvironment.libraryVersion.split(separator: ",").first.map(String.init) ?? "unknown"
  }
}

extension Substring {
  fileprivate var trimmed: String { trimmingCharacters(in: .whitespaces) }
}
