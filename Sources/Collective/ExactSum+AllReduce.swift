extension ExactSum {
  /// Lets long ranges go to the other ranks as soon as `complete(below:)` says that they are final here.
  ///
  /// Communication: until `allReduce`, which every rank then calls with the same ranges, a thread of each rank, or of the
  /// first of each host, has MPI for itself.
  package mutating func beginAllReduce(over communicator: Communicator, in ranges: [Range<Int>]) {
    isBegun = true
    guard let group = group(communicator), let handle = unsafe group.handle else { return }
    let limit = communicator.pieceLimit
    let pieces = ranges.filter { $0.count >= Self.leastAlone }.flatMap { range in
      stride(from: range.lowerBound, to: range.upperBound, by: limit).map {
        $0..<min($0 + limit, range.upperBound)
      }
    }
    background = unsafe BackgroundSum(handle, sums.base, pieces: pieces, ends)
  }

  /// Adds the sums of all ranks; every rank then has the same integers, or throws the same error.
  ///
  /// Of several unusable values the one with the lowest index is named, and of several ranks with that
  /// index the lowest, so that the tensor named does not depend on how the work was shared.
  ///
  /// Communication: what is left of `beginAllReduce`; a reduction of 56 bytes, in which the ranks learn
  /// whether their settings agree and whether one of them holds an unusable value; then one of 8 bytes for
  /// each element of `ranges` that is left and for the number of vectors. An error in the first keeps the
  /// second from being sent.
  ///
  /// - Parameter ranges: Outside of which no rank added anything but zeros, ascending and the same on all ranks; nil
  ///   for everything.
  /// - Returns: The time of the first reduction, which is how long this rank waited for the slowest.
  @discardableResult
  package mutating func allReduce(
    over communicator: Communicator, in ranges: [Range<Int>]? = nil
  ) throws(ExactSumError) -> Duration {
    precondition(!isReduced, "a sum is reduced once in a window")
    complete(below: .max)
    if let background {
      try communicating { () throws(MPIError) in
        try communicator.waiting(background.finish)
      }
      self.background = nil
    }
    let start = ContinuousClock.now
    try agree(over: communicator)
    let wait = start.duration(to: .now)
    try communicating { () throws(MPIError) in
      if let group = group(communicator) {
        try exchange(ranges ?? [0..<count], skipsLong: isBegun, over: group)
      }
      if host?.spansHosts ?? false { try host?.barrier() }
    }
    (isReduced, isBegun) = (true, false)
    guard added <= contributions else {
      throw .tooManyContributions(added: added, limit: contributions)
    }
    return wait
  }

  /// Those who have a sum each: all ranks, or the first of each host; nil on the other ranks.
  private func group(_ communicator: Communicator) -> Communicator? {
    guard let host else { return communicator }
    return host.isFirst ? host.firsts : nil
  }

  /// Reduces long ranges where they lie, and all others side by side with the number of vectors.
  private mutating func exchange(
    _ ranges: [Range<Int>], skipsLong: Bool, over communicator: Communicator
  ) throws(MPIError) {
    packed.removeAll(keepingCapacity: true)
    for range in ranges where range.count < Self.leastAlone {
      for index in range { packed.append(sums[index]) }
    }
    packed.append(sums[count])
    for range in ranges where range.count >= Self.leastAlone && !skipsLong {
      var part = sums.part(range)
      try communicator.allReduce(&part, operation: .sum)
    }
    try communicator.allReduce(&packed, operation: .sum)
    var next = 0
    for range in ranges where range.count < Self.leastAlone {
      for index in range {
        sums[index] = packed[next]
        next += 1
      }
    }
    sums[count] = packed[next]
  }
  /// Elements that are worth a reduction of their own.
  private static let leastAlone = 1 << 16

  /// Throws on all ranks if they sum different things or one of them cannot.
  ///
  /// The message has the same length whatever the settings are, so it cannot itself disagree.
  private mutating func agree(over communicator: Communicator) throws(ExactSumError) {
    let report = failure.map { FailureReport(index: $0.index, rank: communicator.rank) }
    words.removeAll(keepingCapacity: true)
    for setting in 0..<Self.settingCount { words.append(self[setting: setting]) }
    for setting in 0..<Self.settingCount { words.append(~self[setting: setting]) }
    words.append(report?.word ?? .max)
    try communicating { () throws(MPIError) in
      try communicator.allReduce(&words, operation: .minimum)
    }
    for setting in 0..<Self.settingCount
    where words[setting] != ~words[Self.settingCount + setting] { throw .ranksDisagree }
    let first = words[2 * Self.settingCount]
    if first != .max { throw try unusableValue(FailureReport(word: first), over: communicator) }
  }

  /// What all ranks must have alike.
  private subscript(setting index: Int) -> UInt64 {
    switch index {
    case 0: UInt64(count)
    case 1: UInt64(contributions)
    default: UInt64(fractionBits)
    }
  }
  private static let settingCount = 3

  /// The error for a report that all ranks know; the rank that made it tells the others the value.
  private func unusableValue(
    _ report: FailureReport, over communicator: Communicator
  ) throws(ExactSumError) -> ExactSumError {
    let bits = communicator.rank == report.rank ? failure?.value.bitPattern ?? 0 : 0
    let agreed = try communicating { () throws(MPIError) in
      try communicator.maximum(UInt64(bits))
    }
    return .unusableValue(
      rank: report.rank, index: report.index, value: Float(bitPattern: UInt32(agreed)),
      limit: limit)
  }
}

/// An index and a rank in one word, so that the smallest word is the lowest index's lowest rank.
private struct FailureReport {
  let index: Int
  let rank: Int

  var word: UInt64 { UInt64(index) << 24 | UInt64(rank) }

  init(index: Int, rank: Int) {
    precondition(
      index < 1 << 39 && rank < 1 << 24, "an index or rank beyond what a report can hold")
    self.index = index
    self.rank = rank
  }

  init(word: UInt64) {
    index = Int(word >> 24)
    rank = Int(word & 0xff_ffff)
  }
}

/// Does what `body` does, with its error as an error of the sum.
private func communicating<Result>(
  _ body: () throws(MPIError) -> Result
) throws(ExactSumError) -> Result {
  do { return try body() } catch { throw .communication(error) }
}
