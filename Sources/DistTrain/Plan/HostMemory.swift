internal import Foundation

/// Memory as the kernel accounts for it (proc(5), cgroups(7)).
package enum HostMemory {
  /// Bytes that new processes can have without swapping: of the host, or of its control group where that has a limit.
  package static var available: Int {
    let host = kibibytes("MemAvailable:", in: text("/proc/meminfo")) ?? 0
    guard let limit = number("/sys/fs/cgroup/memory.max"),
      let used = number("/sys/fs/cgroup/memory.current")
    else { return host }
    // Cached files count as used but go when others need the room.
    let cached = value("inactive_file ", in: text("/sys/fs/cgroup/memory.stat")) ?? 0
    return min(host, max(0, limit - used + cached))
  }

  /// The limit of this process's control group; nil where there is none.
  package static var limit: Int? { number("/sys/fs/cgroup/memory.max") }

  /// Bytes that this process has to itself: memory of no file, and shared memory.
  package static var own: Int {
    let status = text("/proc/self/status")
    return (kibibytes("RssAnon:", in: status) ?? 0) + (kibibytes("RssShmem:", in: status) ?? 0)
  }

  private static func text(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
  }

  private static func number(_ path: String) -> Int? {
    Int(text(path).trimmingCharacters(in: .whitespacesAndNewlines))
  }

  private static func kibibytes(_ name: String, in text: String) -> Int? {
    value(name, in: text).map { $0 * 1024 }
  }

  private static func value(_ name: String, in text: String) -> Int? {
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
      .flatMap { Int($0) }
  }
}
