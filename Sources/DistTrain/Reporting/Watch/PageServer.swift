internal import Foundation
internal import Glibc

/// Serves pages to this host alone, on 127.0.0.1.
///
/// One thread looks after all connections; each has a time by which it must be done, so that a client that stalls or
/// vanishes holds up nobody.
package final class PageServer {
  private struct Connection {
    let descriptor: Int32
    var request: [UInt8] = []
    var reply: [UInt8]?
    var sent = 0
    /// Everything is sent; what still comes is read away until the client closes.
    var isEnding = false
    var deadline: Date
  }

  /// Connections at a time; the one that is closest to its end makes room for another.
  private static let limit = 32
  private static let requestSeconds = 5.0
  private static let replySeconds = 30.0

  private let listener: Int32
  /// The port, also where any was asked for.
  package let port: Int
  private var connections: [Connection] = []

  /// Listens on `port`, or on any that is free for 0; throws with exit code 69 where that cannot be had.
  package init(port: Int) throws {
    func failure(_ what: String) -> CommandFailure {
      let reason = unsafe String(cString: strerror(errno))
      return CommandFailure(
        "cannot \(what) 127.0.0.1:\(port): \(reason); --port gives another one, 0 any that is free",
        exitCode: 69)
    }
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(AF_INET, type, 0)
    guard descriptor >= 0 else { throw failure("make a socket for") }
    var yes: Int32 = 1
    _ = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe bind(descriptor, address, size) == 0 && listen(descriptor, 16) == 0
          && getsockname(descriptor, address, &size) == 0
      }
    }
    listener = descriptor
    self.port = Int(UInt16(bigEndian: address.sin_port))
    guard isBound else {
      let error = failure("listen on")
      close(descriptor)
      throw error
    }
  }

  deinit {
    for connection in connections { close(connection.descriptor) }
    close(listener)
  }

  /// Answers whatever comes, for ever, or until `isOver` after something has happened or a second has passed.
  package func serve(
    until isOver: () -> Bool = { false }, page: (String) throws -> String?
  ) {
    while !isOver() {
      let events = wait()
      for index in connections.indices.reversed() {
        let isReady = events[index + 1] != 0
        if (isReady && !proceed(index, page)) || connections[index].deadline < Date() {
          close(connections.remove(at: index).descriptor)
        }
      }
      if events[0] != 0 { accept() }
    }
  }

  /// What has happened on the listener and on each connection, after a second at most.
  private func wait() -> [Int16] {
    var polled = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
    polled += connections.map { connection in
      let isSending = connection.reply != nil && !connection.isEnding
      let wanted = isSending ? POLLOUT : POLLIN
      return pollfd(fd: connection.descriptor, events: Int16(wanted), revents: 0)
    }
    guard unsafe poll(&polled, nfds_t(polled.count), 1000) > 0 else {
      return [Int16](repeating: 0, count: polled.count)
    }
    return polled.map(\.revents)
  }

  private func accept() {
    while true {
      let descriptor = Glibc.accept(listener, nil, nil)
      guard descriptor >= 0 else { return }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      if connections.count == Self.limit,
        let first = connections.indices.min(by: {
          connections[$0].deadline < connections[$1].deadline
        })
      {
        close(connections.remove(at: first).descriptor)
      }
      let deadline = Date(timeIntervalSinceNow: Self.requestSeconds)
      connections.append(Connection(descriptor: descriptor, deadline: deadline))
    }
  }

  /// Reads or writes what can be read or written; false where the connection is done or broken.
  private func proceed(_ index: Int, _ page: (String) throws -> String?) -> Bool {
    if connections[index].reply != nil {
      return connections[index].isEnding ? drain(index) : send(index)
    }
    guard let bytes = read(connections[index].descriptor), !bytes.isEmpty else { return false }
    connections[index].request += bytes
    guard let reply = HTTPReply.answer(connections[index].request, page: page) else { return true }
    connections[index].reply = reply.bytes
    connections[index].deadline = Date(timeIntervalSinceNow: Self.replySeconds)
    return send(index)
  }

  /// What has come, at most as much as a request may have; empty at the end, nil where the connection is broken.
  private func read(_ descriptor: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: HTTPReply.requestLimit)
    let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
    guard count >= 0 else { return nil }
    return Array(bytes[..<count])
  }

  private func send(_ index: Int) -> Bool {
    guard let reply = connections[index].reply else { return false }
    while connections[index].sent < reply.count {
      let rest = reply[connections[index].sent...]
      let count = unsafe rest.withUnsafeBytes { buffer in
        unsafe Glibc.send(
          connections[index].descriptor, buffer.baseAddress, buffer.count,
          Int32(MSG_NOSIGNAL))
      }
      if count < 0 { return errno == EAGAIN || errno == EINTR }
      connections[index].sent += count
    }
    // Closing with unread bytes would take the reply back from a client that has not read it yet.
    connections[index].isEnding = true
    connections[index].deadline = Date(timeIntervalSinceNow: Self.requestSeconds)
    return shutdown(connections[index].descriptor, Int32(SHUT_WR)) == 0
  }

  private func drain(_ index: Int) -> Bool {
    guard let bytes = read(connections[index].descriptor) else { return false }
    return !bytes.isEmpty
  }
}
