internal import Foundation

/// Whether mpirun will be able to start ranks on other hosts.
struct HostReach {
  private let shell: RemoteShell
  private static let patience = 10.0

  init(_ shell: RemoteShell) { self.shell = shell }

  /// A line for each host that is not this one.
  func findings(_ hosts: [String]) -> [Finding] {
    let here = ProcessInfo.processInfo.hostName
    let names = ["localhost", "127.0.0.1", here, String(here.prefix { $0 != "." })]
    return hosts.filter { !names.contains($0) }.map(finding)
  }

  private func finding(_ host: String) -> Finding {
    let program = MPICommand.program
    switch shell.run("test -x '\(program)'", on: host, seconds: Self.patience) {
    case 0: return .fine("reach", "\(host) answers and has \(program)")
    case 1:
      return .failure(
        "reach", "\(host) does not have \(program)", fix: "copy it to the same path on \(host)")
    default:
      return .failure(
        "reach", "\(host) does not answer",
        fix: "make 'ssh \(host) true' work without a password: ssh-copy-id \(host)")
    }
  }
}
