import DistTrain
import Foundation
import TestSupport
import Testing

struct WatchTests {
  private static func answer(_ request: String) -> HTTPReply? {
    HTTPReply.answer(Array(request.utf8)) { $0 == "/" ? "<p>page</p>" : nil }
  }

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", 200),
    ("GET /?a HTTP/1.0\r\nhost:localhost\r\n\r\n", 200),
    ("GET /x HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 404),
    ("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405), ("GET / HTTP/1.1\r\n\r\n", 421),
    ("GET / HTTP/1.1\r\nHost: localhost.example.org\r\n\r\n", 421),
    ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 421),
    ("GET http://localhost/ HTTP/1.1\r\n\r\n", 400), ("\r\n\r\n", 400), ("GET /\r\n\r\n", 400),
    ("\u{16}\u{3}\u{1}\r\n\r\n", 400), (String(repeating: "a", count: 8192), 431),
  ])
  func `each request gets its status`(request: String, status: Int) {
    #expect(Self.answer(request)?.status == status)
  }

  @Test func `an unfinished request waits for its end`() {
    #expect(Self.answer("GET / HTTP/1.1\r\nHost: localhost\r\n") == nil)
  }

  @Test func `a page that cannot be made is told`() {
    let request = Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
    let reply = HTTPReply.answer(request) { _ in
      throw CommandFailure("results.json is damaged", exitCode: 65)
    }
    #expect(reply?.status == 500 && reply?.body == "results.json is damaged\n")
  }

  @Test func `the text tells step, loss, speed and what remains, then the score`() throws {
    let run = try RunFiles()
    let now = Date()
    #expect(
      try RunProgress(folder: run.path).text(now: now) == "waiting for the first line of the log")
    try run.writeLog(steps: 10)
    try run.write(#"{"max_steps": 40}"#, to: "trainer_state.json")
    let progress = try RunProgress(folder: run.path)
    #expect(progress.remainingSeconds == 60)
    #expect(
      progress.text(now: Date(), barWidth: 8)
        == "[##......]  25 %  step 10/40  loss 1.3000  100 tokens/s  0:01:00 left"
        + "  validation 1.5000 at step 10")
    let late = progress.text(now: Date(timeIntervalSinceNow: 3600))
    #expect(late.contains("nothing new for 1:00:0"), "\(late)")
    try run.writeResults([.init("What?"), .init("Who?", right: 1)])
    #expect(
      try RunProgress(folder: run.path).text(now: now)
        == "finished   50.0 % of 2 held-out questions right (95 % interval 9.5–90.5 %)")
  }

  @Test func `results of an earlier part do not end a run that goes on`() throws {
    let run = try RunFiles()
    try run.writeResults([.init("What?")])
    let past: [FileAttributeKey: Any] = [.modificationDate: Date(timeIntervalSinceNow: -10)]
    try FileManager.default.setAttributes(past, ofItemAtPath: run.path + "/results.json")
    #expect(try !RunProgress(folder: run.path).isFinished)
  }

  @Test func `a finished run ends the command`() throws {
    let run = try RunFiles()
    try run.writeLog(steps: 3)
    try run.writeResults([.init("What?")])
    let result = try CommandRunner.run("disttrain", ["watch", run.path])
    #expect(result.status == 0, "\(result.errorOutput)")
    #expect(result.output.hasPrefix("finished   100.0 % of 1"))
    #expect(try CommandRunner.run("disttrain", ["watch", run.path + "x"]).status == 66)
  }

  @Test func `stalled and vanished clients hold up nobody`() throws {
    let run = try RunFiles()
    try run.writeLog(steps: 3)
    let server = try CommandRunner.start("disttrain", ["watch", run.path, "--web", "--port", "0"])
    defer { kill(server.identifier, SIGKILL) }
    let port = try #require(Self.listeningPort(of: server.identifier))
    // Some say nothing, some half of it, some go at once: more than there is room for at a time.
    let stalled = (0..<40).map { _ in TestClient(port: port) }
    for (index, client) in stalled.enumerated() where index % 2 == 0 { client.send("GET / HT") }
    for _ in 0..<10 { TestClient(port: port).send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") }
    let client = TestClient(port: port)
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    let reply = client.receiveAll()
    #expect(
      reply.hasPrefix("HTTP/1.1 200 OK\r\n") && reply.hasSuffix("</html>\n"), "\(reply.prefix(200))"
    )
    #expect(reply.contains("http-equiv=\"refresh\""), "the run goes on")
    #expect(server.isRunning)
    kill(server.identifier, SIGTERM)
    #expect(server.wait(seconds: 20).status == SIGTERM, "a signal ends it")
    withExtendedLifetime(stalled) {}
  }

  /// The port that a process listens on, once it does: its sockets' numbers, looked up among the listening ones.
  private static func listeningPort(of process: Int32) -> Int? {
    for _ in 0..<500 {
      let folder = "/proc/\(process)/fd"
      let links = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap
      {
        try? FileManager.default.destinationOfSymbolicLink(atPath: folder + "/" + $0)
      }
      let table = (try? String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)) ?? ""
      for line in table.split(separator: "\n").dropFirst() {
        let words = line.split(separator: " ")
        guard words.count > 9, words[3] == "0A", links.contains("socket:[\(words[9])]") else {
          continue
        }
        #expect(words[1].hasPrefix("0100007F:"), "it listens on 127.0.0.1 alone")
        return words[1].split(separator: ":").last.flatMap { Int($0, radix: 16) }
      }
      usleep(10_000)
    }
    return nil
  }
}

/// A connection to this host that is closed with its value.
private final class TestClient {
  private let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)

  init(port: Int) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = unsafe connect(descriptor, address, size)
      }
    }
  }

  deinit { close(descriptor) }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    _ = unsafe Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  func receiveAll() -> String {
    var (all, bytes) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
    while true {
      let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
      guard count > 0 else { return String(decoding: all, as: UTF8.self) }
      all += bytes[..<count]
    }
  }
}
