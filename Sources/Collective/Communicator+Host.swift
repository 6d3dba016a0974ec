extension Communicator {
  /// The bytes of the first rank of each host, on all ranks of that host; the other ranks' are not used.
  ///
  /// For what one rank of a host can find out for the others, such as the digest of a file that they share.
  ///
  /// Communication: two gathers to all, of the host names and of the bytes.
  package func onePerHost(_ bytes: [UInt8]) throws(MPIError) -> [UInt8] {
    let hosts = try allGather(Array(hostName.utf8))
    let all = try allGather(localRank == 0 ? bytes : [])
    let first = hosts.firstIndex(of: Array(hostName.utf8)) ?? rank
    return all[first]
  }
}
