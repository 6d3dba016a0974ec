import DistTrain
import Foundation
import TestSupport
import Testing

struct HostFileTests {
  @Test func `hosts, slots and comments are read as mpirun reads them`() throws {
    let file = try HostFile(
      text: """
        # two machines
        node01 slots=2 max_slots=4   # the fast one

        node02 slots=1
        """, name: "hosts")
    #expect(file.hosts.map(\.name) == ["node01", "node02"])
    #expect(file.hosts.map(\.slots) == [2, 1])
    #expect(file.totalSlots == 3)
    #expect(file.text == "node01 slots=2 max_slots=4\nnode02 slots=1\n")
  }

  @Test func `a host without slots leaves the number to mpirun`() throws {
    #expect(try HostFile(text: "a slots=2\nb\n", name: "hosts").totalSlots == nil)
  }

  @Test(arguments: [
    ("a slot=1", "hosts:1: 'slot=1'"), ("\na slots=x", "hosts:2: 'slots=x'"),
    ("a slots=0", "slots=NUMBER"), ("# nobody\n", "names no host"),
  ])
  func `a wrong line is told with its number`(text: String, reason: String) {
    let error = #expect(throws: CommandFailure.self) { try HostFile(text: text, name: "hosts") }
    #expect(error?.description.contains(reason) == true)
    #expect(error?.exitCode == 78)
  }

  @Test func `a missing file is told`() {
    let error = #expect(throws: CommandFailure.self) { try HostFile(path: "/nowhere/hosts") }
    #expect(error?.exitCode == 66)
  }
}

struct NetworkTests {
  @Test func `a network has its prefix and contains its addresses`() {
    let network = Network(address: 0x0a4d_0007, prefix: 24)
    #expect(network.description == "10.77.0.0/24")
    #expect(network.contains(0x0a4d_00ff) && !network.contains(0x0a4d_0107))
    #expect(Network(address: 0x0a4d_0007, prefix: 0).contains(0xffff_ffff))
    #expect(Network(address: 0x0a4d_0007, prefix: 32).description == "10.77.0.7/32")
  }

  @Test func `a name that does not resolve has no network`() {
    #expect(Network.shared(by: ["no-such-host.invalid"]) == nil)
  }
}

struct MPICommandTests {
  private func command(
    _ ranks: Int, _ threads: Int, hostFile: String? = nil, network: String? = nil, cores: Int = 4
  ) -> String {
    var command = MPICommand(
      ranks: ranks, threads: threads, hostFile: hostFile, network: network,
      arguments: ["train", "a=b"])
    command.cores = cores
    return command.words.joined(separator: " ")
  }

  @Test func `every thread gets a core where there are enough`() {
    #expect(command(2, 2).hasPrefix("mpirun -n 2 --map-by slot:PE=2 --bind-to core "))
    #expect(command(2, 2).hasSuffix(" train a=b"))
    #expect(command(5, 1).contains("--oversubscribe --bind-to none"))
  }

  @Test func `a host file brings the network and the keepalive`() {
    let line = command(8, 2, hostFile: "hosts", network: "10.1.0.0/16")
    #expect(line.contains("--hostfile hosts --map-by slot:PE=2 --bind-to core"))
    #expect(line.contains("--mca btl_tcp_if_include 10.1.0.0/16"))
    #expect(line.contains("--mca oob_tcp_if_include 10.1.0.0/16"))
    #expect(line.contains("--mca oob_tcp_keepalive_time 60"))
    #expect(line.contains("--mca btl_tcp_links 2"))
    #expect(!command(8, 2, hostFile: "hosts").contains("if_include"))
  }
}

struct ExitClassificationTests {
  private static func isRetry(_ code: Int32, _ text: String) -> Bool? {
    switch ExitClassification(code: code, errorOutput: text) {
    case .done: nil
    case .retry: true
    case .giveUp: false
    }
  }

  @Test(
    arguments: zip(
      [75, 134, 137, 139, 143, 205, 255, 1] as [Int32], Array(repeating: "", count: 8)))
  func `a killed, stuck or lost rank is worth another attempt`(code: Int32, text: String) {
    #expect(Self.isRetry(code, text) == true)
  }

  @Test(arguments: [
    (64, ""), (65, ""), (66, ""), (69, ""), (70, ""), (73, ""), (74, ""), (78, ""),
    (1, "There are not enough slots available"), (1, "a parse error in the hostfile"),
    (132, "mpirun was unable to find the specified executable file"),
  ])
  func `a fault that would come again is not`(code: Int32, text: String) {
    #expect(Self.isRetry(code, text) == false)
  }

  @Test func `success is success`() { #expect(Self.isRetry(0, "") == nil) }
}

@Suite(.serialized, .enabled(if: CommandRunner.hasMPI, "mpirun is not installed"))
struct LaunchCommandTests {
  private static func waitForCheckpoint(_ folder: String, _ job: CommandRunner.Running) {
    while job.isRunning, !FileManager.default.fileExists(atPath: folder + "/step-000003.h5") {
      usleep(500)
    }
  }

  private static func ranks(of folder: String) -> [Int32] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return all.compactMap(Int32.init).filter { process in
      let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
      let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      return words.contains("output_dir=\(folder)") && words.first?.hasSuffix("disttrain") == true
        && words.dropFirst().first == "train"
    }
  }

  @Test func `a job whose rank is killed comes back and ends with the same bytes`() throws {
    let tiny = try TinyRun()
    // Long enough that the job is still there when its rank is found.
    let long = ["num_train_epochs=60", "save_steps=3", "eval_steps=0"]
    let whole = try CommandRunner.run("disttrain", ["train"] + tiny.settings("whole", long))
    try #require(whole.status == 0, "\(whole.errorOutput)")
    let folder = tiny.folder + "/launched"
    let job = try CommandRunner.start(
      "disttrain", ["launch", "-n", "2"] + tiny.settings("launched", long))
    Self.waitForCheckpoint(folder + "/checkpoints", job)
    let victim = Self.ranks(of: folder).last
    if let victim { kill(victim, SIGKILL) }
    let result = job.wait()
    #expect(victim != nil, "the job ended before a rank could be killed")
    #expect(result.status == 0, "\(result.errorOutput)")
    let file = "adapter/adapter_model.safetensors"
    #expect(try tiny.bytes("launched/\(file)") == tiny.bytes("whole/\(file)"))
    #expect(result.errorOutput.contains("newest checkpoint is of step"), "\(result.errorOutput)")
    #expect(Self.ranks(of: folder).isEmpty)
  }

  @Test func `a wrong setting is not tried again`() throws {
    let tiny = try TinyRun()
    let result = try CommandRunner.run(
      "disttrain", ["launch", "-n", "2"] + tiny.settings("bad", ["init_adapter=/nowhere"]))
    #expect(result.status == 66, "\(result.errorOutput)")
    #expect(result.errorOutput.components(separatedBy: "+ mpirun").count == 2)
    #expect(result.errorOutput.contains("another attempt would end the same way"))
  }

  @Test func `a signal stops all ranks with a checkpoint, and the run goes on from it`() throws {
    let tiny = try TinyRun()
    let settings = tiny.settings("stopped", ["num_train_epochs=400", "save_steps=100000"])
    let job = try CommandRunner.start("disttrain", ["launch", "-n", "2"] + settings)
    let log = tiny.folder + "/stopped/metrics.jsonl"
    while job.isRunning, !FileManager.default.fileExists(atPath: log) { usleep(1000) }
    kill(job.identifier, SIGTERM)
    let result = job.wait()
    #expect(result.status == 75, "\(result.errorOutput)")
    #expect(result.errorOutput.contains("checkpoint written"), "\(result.errorOutput)")
    let names = try FileManager.default.contentsOfDirectory(
      atPath: tiny.folder + "/stopped/checkpoints")
    #expect(names.count == 1, "\(names)")
    #expect(Self.ranks(of: tiny.folder + "/stopped").isEmpty)
  }
}
