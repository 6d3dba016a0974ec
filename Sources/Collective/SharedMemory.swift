internal import Glibc
internal import MPIShim

/// Pages of a file that has no name and lives in memory.
package struct SharedPages: Sendable {
  /// The file, open until the `HostRanks` that gave it are gone.
  package let descriptor: Int32
  /// Where the pages begin, in bytes.
  package let offset: Int
}

/// A file in memory that the ranks of one host have open.
///
/// The first of them makes it and the others open it through the first one's entry in /proc, so it has no size limit but the
/// host's memory, and nothing of it is left once the ranks have ended, however they end. Source: memfd_create(2), proc(5).
final class SharedMemory {
  private let descriptor: Int32
  private var end = 0
  /// A multiple of every page size that Linux has.
  private static let pageSize = 1 << 16

  /// Nil on all ranks where one of them cannot open it.
  ///
  /// Communication: the file's place in /proc, and whether all have it.
  init?(of ranks: Communicator) throws(MPIError) {
    let own = ranks.isRoot ? mpi_shim_memory_file() : -1
    var place: [Int64] =
      ranks.isRoot ? [Int64(getpid()), Int64(own)] + Self.identity(own) : [0, 0, 0, 0]
    try ranks.allReduce(&place, operation: .sum)
    descriptor = ranks.isRoot ? own : Self.open(place)
    guard try ranks.all(descriptor >= 0) else { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Adds pages to the file's end.
  func reserve(byteCount: Int, over ranks: Communicator) throws(MPIError) -> SharedPages {
    let pages = SharedPages(descriptor: descriptor, offset: end)
    end += (byteCount + Self.pageSize - 1) / Self.pageSize * Self.pageSize
    if ranks.isRoot {
      let code = ftruncate(descriptor, end)
      precondition(
        code == 0, "no \(end) bytes of memory for the ranks of this host: error \(errno)")
    }
    try ranks.barrier()
    return pages
  }

  /// The file that the first rank has open, if it can be opened and is that one.
  private static func open(_ place: [Int64]) -> Int32 {
    guard place[1] >= 0 else { return -1 }
    let descriptor = unsafe Glibc.open("/proc/\(place[0])/fd/\(place[1])", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return -1 }
    guard identity(descriptor) == Array(place[2...]) else {
      close(descriptor)
      return -1
    }
    return descriptor
  }

  /// Device and number of an open file.
  private static func identity(_ descriptor: Int32) -> [Int64] {
    var status = stat()
    guard descriptor >= 0, unsafe fstat(descriptor, &status) == 0 else { return [-1, -1] }
    return [Int64(status.st_dev), Int64(status.st_ino)].map { Int64(truncatingIfNeeded: $0) }
  }
}
