internal import Foundation
internal import Glibc

/// The processes of one job, known by a variable in their environment that no other job has.
package struct JobProcesses: Sendable {
  package static let variable = "DISTTRAIN_JOB"
  package let job: String

  package init(job: String) { self.job = job }

  /// The processes of the job on this host that still run.
  package var running: [Int32] {
    let mark = Array("\(Self.variable)=\(job)".utf8)
    return Self.allProcesses.filter { process in
      guard process != getpid(),
        let environment = FileManager.default.contents(atPath: "/proc/\(process)/environ")
      else { return false }
      return environment.split(separator: 0).contains { $0.elementsEqual(mark) }
    }
  }

  private static var allProcesses: [Int32] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init)
    } catch {
      return []
    }
  }

  /// Ends what is left of the job on this host, and returns how many processes that were.
  package func end() -> Int {
    let left = running
    for process in left { kill(process, SIGKILL) }
    return left.count
  }

  /// The same for another host's shell.
  package var remoteCommand: String {
    "for e in $(grep -l '\(Self.variable)=\(job)' /proc/[0-9]*/environ 2>/dev/null); do"
      + " p=${e#/proc/}; p=${p%/environ}; [ $p = $$ ] || kill -9 $p; done"
  }
}
