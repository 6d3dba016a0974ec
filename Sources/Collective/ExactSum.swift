internal import VectorKernels

/// A sum of float vectors that has the same bits for any number of ranks, share and order.
///
/// Each value is rounded once to a multiple of 2^-fractionBits (half to even) and held as a 64-bit
/// integer. Integer addition is associative, so neither the order of `add`, nor which rank adds what,
/// nor the algorithm that MPI chooses can change a bit. The range is limited so that no sum of
/// `contributions` values can overflow; a value outside, or NaN, is remembered and thrown by
/// `allReduce` on all ranks.
///
/// The ranks of one host may have one sum in common, to which each of them adds. The life of a window: `reset`, perhaps
/// `beginAllReduce`, `add` for each micro-batch or for its parts, one `allReduce`, then `write`.
package struct ExactSum: ~Copyable {
  /// Elements of each vector.
  package let count: Int
  /// The most vectors of one window, over all ranks.
  package let contributions: Int
  /// Binary digits behind the point.
  package let fractionBits: Int
  /// The largest magnitude of a value: 2^62 / contributions in units of the last place.
  package let limit: Float

  /// One integer for each element, then the number of vectors they are the sum of.
  var sums: IntegerBuffer
  /// The ranks that have these integers in common; nil where this rank has them for itself.
  let host: HostRanks?
  private let locks: StretchLocks?
  /// Reduces what nothing will be added to while other elements are still added to.
  var background: BackgroundSum?
  let ends: FinalEnds
  /// What the ranks agree on, and the integers of short ranges side by side; kept from window to window.
  var words: [UInt64] = [], packed: [Int64] = []
  /// The unusable value with the lowest index that this rank added.
  var failure: Failure?
  /// True from `beginAllReduce` to `allReduce`, and from that to `reset`.
  var isBegun = false, isReduced = false

  /// A value that cannot be summed.
  struct Failure {
    let index: Int
    let value: Float
  }

  /// Vectors in the sum so far: of those who have it in common, and after `allReduce` of all ranks.
  package var added: Int { Int(sums[count]) }

  /// An empty sum of vectors of `count` elements that this rank has for itself.
  ///
  /// The contributions are rounded up to a power of two so that the limit is a float exactly.
  package init(count: Int, contributions: Int, fractionBits: Int = 40) {
    (self.count, self.contributions, self.fractionBits) = (count, contributions, fractionBits)
    limit = Self.limit(count, contributions, fractionBits)
    sums = IntegerBuffer(count: count + 1)
    ends = FinalEnds(rank: 0, count: 1, shared: nil)
    (host, locks) = (nil, nil)
  }

  /// An empty sum that the ranks of `host` have in common.
  ///
  /// Communication: all ranks of the host must call this at the same point with the same numbers.
  package init(
    count: Int, contributions: Int, fractionBits: Int = 40, of host: HostRanks
  ) throws(MPIError) {
    let ranks = host.ranks
    let bytes = (count + 1) * MemoryLayout<Int64>.stride
    let pages = try host.reserve(byteCount: bytes)
    let endPages = try host.reserve(byteCount: FinalEnds.byteCount(ranks.worldSize))
    let locks = ranks.worldSize > 1 ? try StretchLocks(elements: count + 1, of: host) : nil
    (self.count, self.contributions, self.fractionBits) = (count, contributions, fractionBits)
    limit = Self.limit(count, contributions, fractionBits)
    sums = IntegerBuffer(count: count + 1, shared: pages)
    ends = FinalEnds(rank: ranks.rank, count: ranks.worldSize, shared: endPages)
    (self.host, self.locks) = (host, locks)
  }

  private static func limit(_ count: Int, _ contributions: Int, _ fractionBits: Int) -> Float {
    precondition(count >= 0 && contributions > 0, "a sum has elements and contributions")
    precondition((0...61).contains(fractionBits), "no place for \(fractionBits) fraction bits")
    let guardBits = Int.bitWidth - (contributions - 1).leadingZeroBitCount
    return Float(sign: .plus, exponent: 62 - guardBits - fractionBits, significand: 1)
  }

  /// Starts a new window.
  ///
  /// Communication: waits until all ranks of the host have read the last one, and until all of it is zero.
  package mutating func reset() throws(MPIError) {
    precondition(background == nil, "the sum of a window is on its way")
    failure = nil
    isReduced = false
    try host?.barrier()
    ends.own = 0
    sums.zero(host?.share(of: count + 1, unit: 1 << 9) ?? 0..<count + 1)
    try host?.barrier()
  }

  /// Adds one vector of `count` elements.
  package mutating func add(_ values: Span<Float>) { add(values, in: [0..<count]) }

  /// Adds one vector of `count` elements that are zero outside of `ranges`, which ascend.
  package mutating func add(_ values: Span<Float>, in ranges: [Range<Int>]) {
    precondition(values.count == count, "a sum of \(count) elements got \(values.count)")
    for range in ranges { add(values.extracting(range), at: range.lowerBound) }
    complete(vectors: 1)
  }

  /// Adds the part of a vector that begins at element `first`; `complete` counts the vector.
  package mutating func add(_ values: Span<Float>, at first: Int) {
    precondition(!isReduced, "reset a sum before adding to the next window")
    precondition(
      first >= ends.own && first + values.count <= count,
      "\(values.count) values at \(first) leave a sum of \(count) elements")
    let usable = first + accumulate(values, at: first)
    if usable < first + values.count, usable < failure?.index ?? count {
      failure = Failure(index: usable, value: values[usable - first])
    }
  }

  /// This rank will add nothing to elements below `end` in this window: they may go to the other hosts.
  package mutating func complete(below end: Int) {
    ends.own = end
    background?.wake()
  }

  /// Counts vectors all of whose parts that differ from zero were added.
  package mutating func complete(vectors: Int) {
    let sum = unsafe sums.base + count
    exclusively(count) { unsafe sum.pointee += Int64(vectors) }
  }

  /// Writes the sum times `factor`, rounded to double and then to float.
  package func write(scaledBy factor: Double, into values: inout MutableSpan<Float>) {
    precondition(values.count == count, "a sum of \(count) elements cannot fill \(values.count)")
    write(from: 0, scaledBy: factor, into: &values)
  }

  /// Writes the elements from `first` on, as many as fit, times `factor`, rounded to double and then to float.
  package func write(
    from first: Int, scaledBy factor: Double, into values: inout MutableSpan<Float>
  ) {
    precondition(
      first >= 0 && first + values.count <= count,
      "\(values.count) values at \(first) leave a sum of \(count) elements")
    let unit = Double(sign: .plus, exponent: -fractionBits, significand: 1)
    unsafe values.withUnsafeMutableBufferPointer { values in
      unsafe vk_fixed_point_write(
        sums.base + first, values.count, factor * unit, values.baseAddress)
    }
  }

  /// Adds the values to the integers from `first` on; the number of usable ones before the first that is not.
  private mutating func accumulate(_ values: Span<Float>, at first: Int) -> Int {
    let scale = Double(sign: .plus, exponent: fractionBits, significand: 1)
    let (limit, end) = (limit, first + values.count)
    var next = first
    while next < end {
      let stretch = locks?.stretch(from: next, below: end) ?? next..<end
      let part = values.extracting(next - first..<stretch.upperBound - first)
      let target = unsafe sums.base + next
      let usable = exclusively(next) {
        unsafe part.withUnsafeBufferPointer { part in
          unsafe vk_fixed_point_add(part.baseAddress, part.count, scale, limit, target)
        }
      }
      next += usable
      guard usable == stretch.count else { break }
    }
    return next - first
  }

  /// Does what `body` does while no other rank changes the stretch of `element`.
  private func exclusively<Result>(_ element: Int, _ body: () -> Result) -> Result {
    locks?.locked(element, body) ?? body()
  }
}
