internal import Glibc

/// Where a rank can be reached: host name, port, and its addresses with their networks.
package struct HeartbeatAddress: Equatable {
  package struct Interface: Equatable {
    let address: UInt32, mask: UInt32

    package init(address: UInt32, mask: UInt32) {
      self.address = address
      self.mask = mask
    }
  }
  let host: String
  private let port: UInt16
  private let interfaces: [Interface]

  package init(host: String, port: UInt16, interfaces: [Interface]) {
    self.host = host
    self.port = port
    self.interfaces = interfaces
  }

  /// The port of a bound socket and the addresses of this host.
  package init(host: String, socket: Int32) {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = unsafe withPointer(to: &address) { pointer, _ in
      unsafe getsockname(socket, UnsafeMutablePointer(mutating: pointer), &size)
    }
    self.init(host: host, port: address.sin_port, interfaces: Self.currentInterfaces())
  }

  private static func currentInterfaces() -> [Interface] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard unsafe getifaddrs(&list) == 0 else { return [] }
    defer { unsafe freeifaddrs(list) }
    var interfaces: [Interface] = []
    var next = unsafe list
    while let entry = unsafe next {
      unsafe next = entry.pointee.ifa_next
      let flags = unsafe entry.pointee.ifa_flags
      guard flags & UInt32(IFF_UP) != 0, flags & UInt32(IFF_LOOPBACK) == 0,
        let address = unsafe ipv4(entry.pointee.ifa_addr),
        let mask = unsafe ipv4(entry.pointee.ifa_netmask)
      else { continue }
      interfaces.append(Interface(address: address, mask: mask))
    }
    return interfaces
  }

  private static func ipv4(_ pointer: UnsafeMutablePointer<sockaddr>?) -> UInt32? {
    guard let pointer = unsafe pointer, unsafe pointer.pointee.sa_family == sa_family_t(AF_INET)
    else { return nil }
    return unsafe UnsafeRawPointer(pointer).loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr
  }

  /// Words: port, number of interfaces, address and mask of each; then the host name.
  package var bytes: [UInt8] {
    let words = [UInt64(port), UInt64(interfaces.count)]
    return (words + interfaces.map { UInt64($0.address) << 32 | UInt64($0.mask) })
      .flatMap { littleEndianBytes($0) } + Array(host.utf8)
  }

  package init(bytes: [UInt8]) {
    let count = Int(littleEndianWord(bytes[8..<16]))
    let end = 16 + 8 * count
    port = UInt16(truncatingIfNeeded: littleEndianWord(bytes[0..<8]))
    interfaces = stride(from: 16, to: end, by: 8).map { start in
      let both = littleEndianWord(bytes[start..<start + 8])
      return Interface(
        address: UInt32(both >> 32), mask: UInt32(truncatingIfNeeded: both))
    }
    host = String(decoding: bytes[end...], as: UTF8.self)
  }

  /// How this host reaches another, in network byte order: by loopback if it is the same one, else in a network that both
  /// are in.
  package func route(to other: HeartbeatAddress) -> (address: UInt32, port: UInt16) {
    let shared = other.interfaces.first { theirs in
      interfaces.contains { $0.mask & $0.address == $0.mask & theirs.address }
    }
    let loopback = UInt32(0x7f00_0001).bigEndian
    let address =
      other.host == host ? loopback : (shared ?? other.interfaces.first)?.address ?? loopback
    return (address, other.port)
  }
}

/// Calls `body` with the address in the general form that socket functions take.
func withPointer<Result>(
  to address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
  unsafe withUnsafePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
}

/// A word as eight little-endian bytes.
func littleEndianBytes(_ word: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
}

/// The word of eight little-endian bytes.
func littleEndianWord(_ bytes: ArraySlice<UInt8>) -> UInt64 {
  bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
}
