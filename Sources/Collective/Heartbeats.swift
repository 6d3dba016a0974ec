internal import Glibc
internal import Synchronization

/// Datagrams by which ranks tell each other where they are, beside MPI: each to the root, and the root to all.
///
/// They only inform: a datagram that is lost, or a firewall that stops all of them, ends no job.
@safe
final class Heartbeats: Sendable {
  /// Host names by rank.
  let hosts: [String]
  let rank: Int
  private let socket: Int32
  private let peers: [(address: UInt32, port: UInt16)]
  /// Tells this job's datagrams from others'.
  private let job: UInt64

  var count: Int { hosts.count }

  /// Opens a socket and tells all ranks where it is.
  ///
  /// Communication: one gather to all of host name, port and addresses, one broadcast of 8 bytes.
  init(_ communicator: Communicator) throws(MPIError) {
    rank = communicator.rank
    socket = Self.openSocket()
    let own = HeartbeatAddress(host: communicator.hostName, socket: socket)
    let all = try communicator.allGather(own.bytes).map { HeartbeatAddress(bytes: $0) }
    hosts = all.map(\.host)
    peers = all.map { own.route(to: $0) }
    let seed = UInt64(truncatingIfNeeded: getpid()) << 32 ^ UInt64(truncatingIfNeeded: time(nil))
    let agreed = try communicator.broadcast(communicator.isRoot ? littleEndianBytes(seed) : nil)
    job = littleEndianWord(agreed[...])
  }

  deinit { close(socket) }

  private static func openSocket() -> Int32 {
    let type = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let number = Glibc.socket(AF_INET, type, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    _ = unsafe withPointer(to: &address) { unsafe bind(number, $0, $1) }
    return number
  }

  /// Sends where this rank is, and takes up what has come in.
  func exchange(_ word: UInt64, _ sightings: inout Sightings) {
    receive(&sightings)
    guard rank == 0 else { return send(message(word: word), to: 0) }
    let summary = message(sightings, at: .now)
    for peer in peers.indices.dropFirst() { send(summary, to: peer) }
  }

  // MARK: Messages: job, sender, then one word, or four for each rank

  private func message(word: UInt64) -> [UInt8] {
    [job, UInt64(rank), word].flatMap { littleEndianBytes($0) }
  }

  private func message(_ sightings: Sightings, at now: ContinuousClock.Instant) -> [UInt8] {
    var words = [job, 0]
    for sighting in sightings.ranks {
      words += [
        sighting.word, (now - sighting.changed).milliseconds, (now - sighting.heard).milliseconds,
        sighting.isKnown ? 1 : 0,
      ]
    }
    return words.flatMap { littleEndianBytes($0) }
  }

  private func receive(_ sightings: inout Sightings) {
    var buffer = [UInt8](repeating: 0, count: 16 + 32 * count)
    while true {
      let length = unsafe recv(socket, &buffer, buffer.count, 0)
      guard length >= 24 else { return }
      let words = stride(from: 0, to: length / 8 * 8, by: 8).map {
        littleEndianWord(buffer[$0..<$0 + 8])
      }
      guard words[0] == job else { continue }
      take(Int(truncatingIfNeeded: words[1]), Array(words.dropFirst(2)), &sightings)
    }
  }

  private func take(_ sender: Int, _ words: [UInt64], _ sightings: inout Sightings) {
    let now = ContinuousClock.now
    if words.count == 1 { return sightings.see(sender, word: words[0], at: now) }
    guard sender == 0, words.count == 4 * count else { return }
    for other in 1..<count where words[4 * other + 3] == 1 {
      sightings.learn(
        other, word: words[4 * other], changedAgo: .milliseconds(words[4 * other + 1]),
        heardAgo: .milliseconds(words[4 * other + 2]), at: now)
    }
    sightings.see(0, word: words[0], at: now)
  }

  /// A datagram that cannot be sent is one that is lost.
  private func send(_ message: [UInt8], to peer: Int) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = peers[peer].address
    address.sin_port = peers[peer].port
    _ = unsafe withPointer(to: &address) { pointer, size in
      unsafe sendto(socket, message, message.count, 0, pointer, size)
    }
  }
}

extension Duration {
  fileprivate var milliseconds: UInt64 {
    let (seconds, attoseconds) = components
    return UInt64(max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
  }
}
