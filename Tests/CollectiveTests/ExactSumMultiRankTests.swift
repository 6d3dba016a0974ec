internal import TestSupport
internal import Testing

/// The promise of `ExactSum`: the number of ranks is not an input to the result.
@Suite(
  .enabled(if: MPILauncher.isAvailable, "mpirun is not installed"), .serialized,
  .timeLimit(.minutes(5)))
struct ExactSumMultiRankTests {
  /// The digests that the ranks of one run print.
  private func digests(_ check: [String], ranks: Int, options: [String] = []) async throws
    -> [String]
  {
    let result = try await probe(check, ranks: ranks, options: options)
    #expect(result.status == 0, "\(result.errorOutput)")
    let found = result.sortedLines.compactMap { $0.split(separator: " ").last.map { String($0) } }
    #expect(found.count == ranks)
    return found
  }

  @Test func `ranks, shares and orders give one digest`() async throws {
    var all: Set<String> = []
    for sharing in ["contiguous", "strided", "last-rank-only"] {
      for ranks in 1...4 {
        all.formUnion(try await digests(["exact-sum", sharing], ranks: ranks))
      }
    }
    #expect(all.count == 1)
  }

  @Test func `a sum that is reduced in ranges is that of everything`() async throws {
    var all: Set<String> = []
    for ranks in 1...3 { all.formUnion(try await digests(["sparse-sum"], ranks: ranks)) }
    #expect(all.count == 1)
  }

  @Test func `ranks of a host that add to one sum give the digest of one rank`() async throws {
    var all = Set(try await digests(["exact-sum", "contiguous"], ranks: 1))
    for (ranks, perHost) in [(2, 2), (3, 2), (4, 2), (4, 3), (4, 4), (3, 1)] {
      for sharing in ["contiguous", "strided", "last-rank-only"] {
        all.formUnion(try await digests(["exact-sum", sharing, "\(perHost)"], ranks: ranks))
      }
    }
    #expect(all.count == 1)
    all = Set(try await digests(["sparse-sum"], ranks: 1))
    for (ranks, perHost) in [(2, 2), (3, 2), (4, 2), (4, 4), (2, 1)] {
      all.formUnion(try await digests(["sparse-sum", "\(perHost)"], ranks: ranks))
    }
    #expect(all.count == 1)
  }

  @Test func `floats would give more than one digest`() async throws {
    var all: Set<String> = []
    for ranks in 1...4 {
      all.formUnion(try await digests(["float-sum", "contiguous"], ranks: ranks))
    }
    #expect(all.count > 1)
  }

  @Test func `all of MPI's algorithms give the digest of one rank`() async throws {
    var all = Set(try await digests(["exact-sum", "contiguous"], ranks: 1))
    for algorithm in 1...5 {
      let options = [
        "--mca", "coll_tuned_use_dynamic_rules", "1",
        "--mca", "coll_tuned_allreduce_algorithm", "\(algorithm)",
      ]
      for ranks in 2...4 {
        all.formUnion(
          try await digests(["exact-sum", "strided"], ranks: ranks, options: options))
      }
    }
    #expect(all.count == 1)
  }

  @Test(arguments: [
    ("nan", 2, 17, "17 of a gradient on rank 2 is nan"),
    ("inf", 0, 999, "999 of a gradient on rank 0 is inf"),
    ("-inf", 1, 0, "0 of a gradient on rank 1 is -inf"),
    ("3e5", 1, 500, "500 of a gradient on rank 1 is 300000.0"),
  ])
  func `one unusable value is the same error on all ranks`(
    value: String, rank: Int, index: Int, message: String
  ) async throws {
    let result = try await probe(["unusable", value, "\(rank)", "\(index)"], ranks: 3)
    #expect(result.status == 0, "\(result.errorOutput)")
    #expect(result.sortedLines.count == 3)
    #expect(result.sortedLines.allSatisfy { $0.contains(": Element \(message);") })
  }

  @Test func `of several unusable values the lowest index is named, then the lowest rank`()
    async throws
  {
    let faults = ["nan", "0", "700", "inf", "2", "30", "-inf", "1", "30", "nan", "3", "31"]
    let result = try await probe(["unusable"] + faults, ranks: 4)
    #expect(result.status == 0, "\(result.errorOutput)")
    #expect(result.sortedLines.count == 4)
    #expect(
      result.sortedLines.allSatisfy { $0.contains(": Element 30 of a gradient on rank 1 is -inf;") }
    )
  }

  @Test(
    arguments: [
      (["disagreement", "count"], "The ranks tried to sum gradients of different lengths"),
      (["disagreement", "contributions"], "The ranks tried to sum gradients of different lengths"),
    ], 2...4)
  func `different vectors or settings are refused by all ranks`(
    check: ([String], String), ranks: Int
  ) async throws {
    let result = try await probe(check.0, ranks: ranks)
    #expect(result.status == 0, "\(result.errorOutput)")
    #expect(result.sortedLines.count == ranks)
    #expect(result.sortedLines.allSatisfy { $0.contains(check.1) })
  }

  @Test(arguments: 1...4)
  func `more vectors than the sum was made for are refused by all ranks`(ranks: Int) async throws {
    let result = try await probe(["overfull"], ranks: ranks)
    #expect(result.status == 0, "\(result.errorOutput)")
    let message = "\(ranks + 1) gradients were added in a window of \(ranks): "
    #expect(result.sortedLines.count == ranks)
    #expect(result.sortedLines.allSatisfy { $0.contains(message) })
  }
}
