import Collective
import Testing

struct SightingsTests {
  private let start = ContinuousClock.now
  private let hosts = ["n0", "n1", "n2"]

  private func word(_ phase: Phase, waiting: Bool, progress: UInt32 = 1) -> UInt64 {
    var here = Whereabouts()
    here.phase = phase
    here.isCommunicating = waiting
    here.step = 12
    here.progress = progress
    return here.word
  }

  @Test(arguments: Phase.allCases, [false, true])
  func `a word says where a rank is`(phase: Phase, waiting: Bool) {
    let here = Whereabouts(word: word(phase, waiting: waiting, progress: .max))
    #expect(here.phase == phase && here.isCommunicating == waiting)
    #expect(here.step == 12 && here.progress == .max)
  }

  @Test func `nothing ends while one rank makes progress`() {
    var sightings = Sightings(rank: 0, count: 2, at: start)
    for second in 0..<100 {
      let now = start + .seconds(second)
      sightings.see(0, word: word(.step, waiting: true), at: now)
      sightings.see(1, word: word(.step, waiting: false, progress: UInt32(second / 4)), at: now)
      #expect(sightings.reasonToEnd(baseLimit: 5, hosts: hosts, at: now) == nil)
    }
  }

  @Test func `a silent rank is named with its host`() throws {
    var sightings = Sightings(rank: 0, count: 3, at: start)
    for rank in 0..<3 { sightings.see(rank, word: word(.step, waiting: true), at: start) }
    for second in 1...11 {
      for rank in 0..<2 {
        sightings.see(rank, word: word(.step, waiting: true), at: start + .seconds(second))
      }
    }
    #expect(
      sightings.reasonToEnd(baseLimit: 10, hosts: hosts, at: start + .seconds(10)) == nil)
    let reason = try #require(
      sightings.reasonToEnd(baseLimit: 10, hosts: hosts, at: start + .seconds(11)))
    #expect(reason.contains("missing: rank 2 on n2 (no sign of life for 11 s)."))
    #expect(reason.contains("rank 0 is waiting for others in step 12"))
  }

  @Test func `a rank that hangs in its own work is named`() throws {
    var sightings = Sightings(rank: 0, count: 2, at: start)
    for second in 0...21 {
      let now = start + .seconds(second)
      sightings.see(0, word: word(.step, waiting: true), at: now)
      sightings.see(1, word: word(.step, waiting: false), at: now)
    }
    let reason = try #require(
      sightings.reasonToEnd(baseLimit: 20, hosts: hosts, at: start + .seconds(21)))
    #expect(reason.contains("missing: rank 1 on n1 (working on step 12 for 21 s)"))
  }

  @Test func `a rank never heard of is named, and loading has more patience`() throws {
    var sightings = Sightings(rank: 0, count: 2, at: start)
    sightings.see(0, word: word(.load, waiting: true), at: start)
    #expect(sightings.reasonToEnd(baseLimit: 10, hosts: hosts, at: start + .seconds(39)) == nil)
    let reason = try #require(
      sightings.reasonToEnd(baseLimit: 10, hosts: hosts, at: start + .seconds(41)))
    #expect(reason.contains("rank 1 on n1 (never heard of)"))
  }

  @Test func `all waiting for each other points at the network`() throws {
    var sightings = Sightings(rank: 1, count: 2, at: start)
    for second in 0...6 {
      for rank in 0..<2 {
        sightings.see(rank, word: word(.step, waiting: true), at: start + .seconds(second))
      }
    }
    let reason = try #require(
      sightings.reasonToEnd(baseLimit: 5, hosts: hosts, at: start + .seconds(6)))
    #expect(reason.contains("look at the network"))
  }

  @Test func `a stop is past hope without a rank or in a deadlock, not while one works`() {
    var sightings = Sightings(rank: 0, count: 2, at: start)
    func see(_ rank: Int, waiting: Bool, at second: Int) {
      sightings.see(rank, word: word(.step, waiting: waiting), at: start + .seconds(second))
    }
    for second in 0...60 {
      see(0, waiting: true, at: second)
      see(1, waiting: false, at: second)
    }
    #expect(!sightings.isBeyondStopping(at: start + .seconds(60)))
    see(0, waiting: true, at: 64)
    #expect(sightings.isBeyondStopping(at: start + .seconds(64)))
    for second in 65...76 { for rank in 0..<2 { see(rank, waiting: true, at: second) } }
    #expect(sightings.isBeyondStopping(at: start + .seconds(76)))
    #expect(!sightings.isBeyondStopping(at: start + .seconds(70)))
  }

  @Test func `what the root knows of others counts`() {
    var sightings = Sightings(rank: 1, count: 3, at: start)
    sightings.see(1, word: word(.step, waiting: true), at: start)
    sightings.learn(
      2, word: word(.step, waiting: false), changedAgo: .seconds(1), heardAgo: .zero,
      at: start + .seconds(20))
    #expect(
      sightings.reasonToEnd(baseLimit: 5, hosts: hosts, at: start + .seconds(20)) == nil)
    #expect(
      sightings.reasonToEnd(baseLimit: 5, hosts: hosts, at: start + .seconds(25)) != nil)
  }
}

struct HeartbeatAddressTests {
  private func address(_ host: String, _ addresses: [(UInt32, UInt32)]) -> HeartbeatAddress {
    HeartbeatAddress(
      host: host, port: 77, interfaces: addresses.map { .init(address: $0.0, mask: $0.1) })
  }

  @Test func `an address survives its bytes`() {
    let one = address("node-7", [(0x0a00_0001, 0xffff_0000), (5, 6)])
    #expect(HeartbeatAddress(bytes: one.bytes) == one)
    let none = address("", [])
    #expect(HeartbeatAddress(bytes: none.bytes) == none)
  }

  @Test func `the route is loopback on one host, else the network that both are in`() {
    let loopback = UInt32(0x7f00_0001).bigEndian
    let here = address("a", [(0x0100_000a, 0x00ff_ffff), (0x0100_a8c0, 0x00ff_ffff)])
    let there = address("b", [(0x0500_0064, 0x00ff_ffff), (0x0200_a8c0, 0x00ff_ffff)])
    #expect(here.route(to: here).address == loopback)
    #expect(here.route(to: there).address == 0x0200_a8c0)
    #expect(here.route(to: address("c", [(9, 0xffff_ffff)])).address == 9)
    #expect(here.route(to: there).port == 77)
  }
}
