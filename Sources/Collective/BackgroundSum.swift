internal import Dispatch
internal import Glibc
internal import MPIShim

/// A sum of integers over all ranks that goes on, piece by piece, while this rank still computes the later ones.
///
/// A thread makes nonblocking calls (MPI 3.1, 5.12) and sleeps between looking after them, and while there is nothing to
/// send, because a call that waits would take the core that the rank computes on. From `init` until `finish` returns no
/// other thread may call MPI. All ranks reduce the same pieces in the same order, whenever each of them has them.
@safe
final class BackgroundSum: @unchecked Sendable {
  private let handle: MPI_Comm
  private let base: UnsafeMutablePointer<Int64>
  private let pieces: [Range<Int>]
  /// Elements below have the final value of this rank, or of all ranks of this host.
  private let ends: FinalEnds
  /// Signalled whenever this rank's has changed.
  private let change = DispatchSemaphore(value: 0)
  private var thread = pthread_t()
  /// Of the thread; read when it has ended.
  private var failure: MPIError?
  /// Pieces on their way at the same time.
  private static let flightCount = 4
  /// Microseconds between two looks.
  private static let interval: UInt32 = 300

  /// A piece on its way, and the memory that it is sent from.
  @safe
  private struct Flight {
    var request: MPI_Request?
    let memory: UnsafeMutablePointer<Int64>
  }

  /// - Parameters:
  ///   - base: Integers that stay where they are until `finish` has returned.
  ///   - pieces: What is reduced, ascending.
  init(
    _ handle: MPI_Comm, _ base: UnsafeMutablePointer<Int64>, pieces: [Range<Int>], _ ends: FinalEnds
  ) {
    self.ends = ends
    unsafe self.handle = handle
    unsafe self.base = base
    self.pieces = pieces
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    let code = unsafe pthread_create(&thread, nil, { unsafe BackgroundSum.run($0) }, context)
    precondition(code == 0, "the system gives this process no thread: error \(code)")
  }

  /// This rank's end has changed.
  func wake() { change.signal() }

  /// Waits for all pieces; every rank of the host has set its end behind all of them.
  func finish() throws(MPIError) {
    pthread_join(thread, nil)
    if let failure { throw failure }
  }

  // MARK: The thread

  private static func run(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    let sum = unsafe Unmanaged<BackgroundSum>.fromOpaque(context).takeRetainedValue()
    do throws(MPIError) { try sum.reduce() } catch { sum.failure = error }
    return nil
  }

  private func reduce() throws(MPIError) {
    let size = pieces.map(\.count).max() ?? 0
    let memory = UnsafeMutablePointer<Int64>.allocate(capacity: Self.flightCount * size)
    defer { unsafe memory.deallocate() }
    var spare = unsafe (0..<Self.flightCount).map { unsafe memory + $0 * size }
    var flights: [Flight] = []
    var next = 0
    while next < pieces.count || !flights.isEmpty {
      if next < pieces.count, pieces[next].upperBound <= ends.lowest,
        let memory = unsafe spare.popLast()
      {
        flights.append(try unsafe start(pieces[next], from: memory))
        next += 1
        continue
      }
      var hasNews = false
      for index in flights.indices.reversed() where try hasLanded(&flights[index]) {
        unsafe spare.append(flights.remove(at: index).memory)
        hasNews = true
      }
      guard !hasNews else { continue }
      let waitsForOwn = next < pieces.count && pieces[next].upperBound > ends.own
      if flights.isEmpty && waitsForOwn { change.wait() } else { usleep(Self.interval) }
    }
  }

  private func start(
    _ piece: Range<Int>, from memory: UnsafeMutablePointer<Int64>
  ) throws(MPIError) -> Flight {
    let target = unsafe base + piece.lowerBound
    unsafe memory.update(from: target, count: piece.count)
    var flight = unsafe Flight(request: mpi_shim_no_request(), memory: memory)
    let count = try checkedCount(piece.count, "MPI_Iallreduce")
    try check(
      unsafe MPI_Iallreduce(
        memory, target, count, Int64.scalarType.handle, ReductionOperation.sum.handle, handle,
        &flight.request), "MPI_Iallreduce")
    return flight
  }

  private func hasLanded(_ flight: inout Flight) throws(MPIError) -> Bool {
    var flag: Int32 = 0
    try check(unsafe MPI_Test(&flight.request, &flag, mpi_shim_no_status()), "MPI_Test")
    return flag != 0
  }
}
