/// The ranks of one host, which have memory in common, and what the hosts are to each other.
///
/// Where ranks of a host cannot open each other's memory, as in containers with processes of their own, each of them counts as
/// a host by itself.
package final class HostRanks {
  /// Those of this host alone.
  package let ranks: Communicator
  /// The first rank of each host; of no use on the others.
  let firsts: Communicator
  /// Hosts of the job.
  package let hostCount: Int
  /// The memory that they have in common; nil for a rank alone.
  private let memory: SharedMemory?

  /// The one rank that speaks for its host.
  package var isFirst: Bool { ranks.isRoot }
  package var spansHosts: Bool { hostCount > 1 }

  /// Communication: all ranks must call this at the same point; splits of the group and a few words.
  package convenience init(of world: Communicator) throws(MPIError) {
    try self.init(of: world, host: world.hostNumber)
  }

  /// Takes the ranks that give the same number for those of one host.
  package init(of world: Communicator, host number: Int) throws(MPIError) {
    let neighbours = try world.group(number)
    memory = neighbours.worldSize > 1 ? try SharedMemory(of: neighbours) : nil
    ranks = memory == nil ? Communicator() : neighbours
    ranks.share(world.watchdog)
    firsts = try world.group(ranks.isRoot ? 0 : 1)
    hostCount = Int(try world.sum(ranks.isRoot ? 1 as Int64 : 0))
  }

  /// A part of the common memory, zeroed, for each rank of the host to map; nil for a rank alone.
  ///
  /// Communication: all ranks of the host must ask for the same parts in the same order.
  package func reserve(byteCount: Int) throws(MPIError) -> SharedPages? {
    try memory?.reserve(byteCount: byteCount, over: ranks)
  }

  /// Returns when all ranks of the host have come here and see what each of them wrote.
  package func barrier() throws(MPIError) { try ranks.barrier() }

  /// This rank's share of `count` elements in steps of `unit`, where each element belongs to one rank of the host.
  package func share(of count: Int, unit: Int) -> Range<Int> {
    let units = (count + unit - 1) / unit
    func start(_ rank: Int) -> Int { min(count, units * rank / ranks.worldSize * unit) }
    return start(ranks.rank)..<start(ranks.rank + 1)
  }
}
