internal import Glibc

/// An IPv4 network such as 10.0.0.0/24.
package struct Network: Sendable, Equatable, CustomStringConvertible {
  /// The address of an interface of this host, and the length of its network's prefix.
  package let address: UInt32
  package let prefix: Int

  package init(address: UInt32, prefix: Int) {
    self.prefix = min(max(prefix, 0), 32)
    self.address = address & Self.mask(self.prefix)
  }

  private static func mask(_ prefix: Int) -> UInt32 { prefix == 0 ? 0 : ~0 << UInt32(32 - prefix) }

  package func contains(_ other: UInt32) -> Bool { other & Self.mask(prefix) == address }

  package var description: String {
    let bytes = (0..<4).map { String(address >> UInt32(24 - 8 * $0) & 255) }
    return bytes.joined(separator: ".") + "/\(prefix)"
  }

  /// The network of this host that all of `hosts` are in; nil where there is none or a name does not resolve.
  ///
  /// mpirun otherwise tries every interface, container bridges included.
  package static func shared(by hosts: [String]) -> Network? {
    var addresses: [UInt32] = []
    for host in hosts {
      guard let address = resolve(host) else { return nil }
      addresses.append(address)
    }
    return interfaces().first { network in addresses.allSatisfy(network.contains) }
  }

  private static func resolve(_ host: String) -> UInt32? {
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_INET
    var list: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(host, nil, &hints, &list) == 0, let first = unsafe list else {
      return nil
    }
    defer { unsafe freeaddrinfo(first) }
    return unsafe ipv4(first.pointee.ai_addr)
  }

  private static func interfaces() -> [Network] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard unsafe getifaddrs(&list) == 0 else { return [] }
    defer { unsafe freeifaddrs(list) }
    var networks: [Network] = []
    var next = unsafe list
    while let entry = unsafe next {
      unsafe next = entry.pointee.ifa_next
      guard unsafe entry.pointee.ifa_flags & UInt32(IFF_LOOPBACK) == 0,
        let address = unsafe ipv4(entry.pointee.ifa_addr),
        let mask = unsafe ipv4(entry.pointee.ifa_netmask)
      else { continue }
      networks.append(Network(address: address, prefix: mask.nonzeroBitCount))
    }
    return networks
  }

  /// The address in host byte order.
  private static func ipv4(_ pointer: UnsafeMutablePointer<sockaddr>?) -> UInt32? {
    guard let pointer = unsafe pointer, unsafe pointer.pointee.sa_family == sa_family_t(AF_INET)
    else { return nil }
    let address = unsafe UnsafeRawPointer(pointer).loadUnaligned(as: sockaddr_in.self)
    return UInt32(bigEndian: address.sin_addr.s_addr)
  }
}
