import Foundation
import TestSupport
import Testing

/// Hosts of namespaces on this machine, made by cluster/test-hosts, which only talk over TCP.
private struct NamespaceHosts {
  private let folder: String

  private static var script: String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "cluster/test-hosts").path
  }

  /// True as root, with the tools, where namespaces can be made.
  static let canBeMade: Bool = {
    let tools = ["/usr/sbin/ip", "/usr/bin/nsenter", "/usr/bin/unshare", "/usr/bin/mpirun"]
    let areThere = tools.allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
    guard areThere, getuid() == 0 else { return false }
    let trial = Process()
    trial.executableURL = URL(filePath: "/usr/bin/unshare")
    trial.arguments = ["--net", "--uts", "--mount", "true"]
    trial.standardError = FileHandle.nullDevice
    guard (try? trial.run()) != nil else { return false }
    trial.waitUntilExit()
    return trial.terminationStatus == 0
  }()

  static let hasSSH = ["/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen"].allSatisfy {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// Calls `body` with `count` hosts, node1, node2, ..., and removes them with all that runs on them.
  static func with(_ count: Int, _ body: (NamespaceHosts) async throws -> Void) async throws {
    let made = try await MPILauncher.runCommand(script, ["up", "\(count)"])
    try #require(made.status == 0, "\(made.errorOutput)")
    let hosts = NamespaceHosts(folder: made.output.trimmingCharacters(in: .whitespacesAndNewlines))
    do {
      try await body(hosts)
    } catch {
      _ = try await hosts.call("down")
      throw error
    }
    #expect(try await hosts.call("processes").output.isEmpty, "processes were left over")
    #expect(try await hosts.call("down").status == 0)
  }

  func call(_ arguments: String..., timeout: Duration = .seconds(60)) async throws -> CommandResult
  {
    try await MPILauncher.runCommand(
      Self.script, arguments, environment: ["TEST_HOSTS": folder], timeout: timeout)
  }

  /// Runs a command of the program with `ranks` that are dealt to the hosts in turn.
  func run(_ words: [String], ranks: Int, timeout: Duration) async throws -> CommandResult {
    let program = CommandRunner.products + "/disttrain"
    return try await MPILauncher.runCommand(
      Self.script, ["mpirun", "-n", "\(ranks)", program] + words,
      environment: ["TEST_HOSTS": folder], timeout: timeout)
  }
}

@Suite(
  .serialized,
  .enabled(
    if: NamespaceHosts.canBeMade,
    "hosts of namespaces need root, CAP_SYS_ADMIN, iproute2, util-linux and Open MPI"))
struct NamespaceHostTests {
  /// Compares a run across two hosts with that of one rank.
  private static func compare(_ tiny: TinyRun, _ hosts: NamespaceHosts, ranks: Int) async throws {
    let output = "hosts\(ranks)"
    let result = try await hosts.run(
      ["train"] + tiny.settings(output), ranks: ranks, timeout: .seconds(240))
    try #require(result.status == 0, "\(result.errorOutput)")
    let environment = String(decoding: try tiny.bytes(output + "/env.json"), as: UTF8.self)
    #expect(environment.contains("\"node1\"") && environment.contains("\"node2\""))
    for file in ["adapter/adapter_model.safetensors", "predictions.jsonl", "results.json"] {
      #expect(
        try tiny.bytes("\(output)/\(file)") == tiny.bytes("alone/\(file)"),
        "\(ranks) ranks: \(file)")
    }
    #expect(try tiny.metrics(output) == tiny.metrics("alone"))
  }

  private static func trainAlone() throws -> TinyRun {
    let tiny = try TinyRun()
    let result = try CommandRunner.run("disttrain", ["train"] + tiny.settings("alone"))
    try #require(result.status == 0, "\(result.errorOutput)")
    return tiny
  }

  @Test func `two hosts over TCP give the bytes of one rank`() async throws {
    let tiny = try Self.trainAlone()
    try await NamespaceHosts.with(2) { hosts in
      for ranks in [2, 3] { try await Self.compare(tiny, hosts, ranks: ranks) }
    }
  }

  @Test func `the demo on two hosts gives the adapter of one rank`() async throws {
    let folder = try TemporaryFolder()
    func demo(_ output: String) -> [String] {
      ["demo", "num_train_epochs=2", "output_dir=\(folder.path)/\(output)"]
    }
    let alone = try CommandRunner.run("disttrain", demo("alone") + ["-n", "1"])
    try #require(alone.status == 0, "\(alone.errorOutput)")
    try await NamespaceHosts.with(2) { hosts in
      let result = try await hosts.run(demo("hosts"), ranks: 2, timeout: .seconds(240))
      try #require(result.status == 0, "\(result.errorOutput)")
    }
    func adapter(_ output: String) throws -> Data {
      try Data(
        contentsOf: URL(filePath: "\(folder.path)/\(output)/adapter/adapter_model.safetensors"))
    }
    #expect(try adapter("hosts") == adapter("alone"))
  }

  @Test(.enabled(if: NamespaceHosts.hasSSH, "needs openssh-server and openssh-client"))
  func `two hosts that mpirun reaches by ssh give the bytes of one rank`() async throws {
    let tiny = try Self.trainAlone()
    try await NamespaceHosts.with(2) { hosts in
      let started = try await hosts.call("sshd")
      try #require(started.status == 0, "\(started.errorOutput)")
      try await Self.compare(tiny, hosts, ranks: 2)
    }
  }

  @Test(arguments: [
    ("model", "model.safetensors"), ("tokenizer", "tokenizer.json"), ("dataset", "questions.json"),
  ])
  func `hosts with different files are refused before the first step`(
    field: String, file: String
  ) async throws {
    let tiny = try TinyRun()
    let other = try TemporaryFolder()
    try other.write(Self.changed(try tiny.bytes(file), of: file), to: file)
    try await NamespaceHosts.with(2) { hosts in
      let bound = try await hosts.call(
        "bind", "node2", "\(other.path)/\(file)", "\(tiny.folder)/\(file)")
      try #require(bound.status == 0, "\(bound.errorOutput)")
      let result = try await hosts.run(
        ["train"] + tiny.settings("run"), ranks: 3, timeout: .seconds(30))
      #expect(result.status == 78, "\(result.errorOutput)")
      let lines = result.errorOutput.split(separator: "\n").map {
        $0.split(separator: " ").map(String.init)
      }
      let first = lines.firstIndex { $0.starts(with: [field, "node1", "0,2"]) }
      #expect(first != nil, "\(result.errorOutput)")
      #expect(lines.contains { $0.starts(with: ["node2", "1"]) }, "\(result.errorOutput)")
    }
    #expect(!FileManager.default.fileExists(atPath: tiny.folder + "/run/metrics.jsonl"))
  }

  /// A file that is as good as the other one, but not the same.
  private static func changed(_ bytes: [UInt8], of file: String) -> [UInt8] {
    var changed = bytes
    if file.hasSuffix(".safetensors") {
      changed[changed.count - 4] ^= 1
    } else {
      changed.append(UInt8(ascii: "\n"))
    }
    return changed
  }
}
