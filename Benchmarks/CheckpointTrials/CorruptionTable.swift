/// The verdicts per kind of damage, as text of at most 80 columns.
struct CorruptionTable {
  private typealias Counts = [Verdict: Int]

  private var kinds: [Mutation: [Sample.Variant: Counts]] = [:]
  private var totals: [Sample.Variant: Counts] = [:]

  mutating func add(_ verdicts: [Verdict], of trials: Trials, _ variant: Sample.Variant) {
    for (verdict, kind) in zip(verdicts, trials.kinds) {
      kinds[kind.mutation, default: [:]][variant, default: [:]][verdict, default: 0] += 1
      totals[variant, default: [:]][verdict, default: 0] += 1
    }
  }

  /// Damaged files that the program's reader took or died of.
  var failures: Int {
    let counts = totals[.sealed] ?? [:]
    return [.sameResult, .wrongResult, .crash, .hang].reduce(0) { $0 + (counts[$1] ?? 0) }
  }

  func text() -> String {
    var lines = ["sealed checkpoints, read by the program", ""]
    lines.append(line("damage", ["files", "refused", "accepted", "crash", "hang"]))
    let refusals: [[Verdict]] = [[.error], [.sameResult, .wrongResult], [.crash], [.hang]]
    lines += rows([.sealed]) { counts in
      refusals.map { verdicts in verdicts.reduce(0) { $0 + (counts[$1] ?? 0) } }
    }
    let titles: [(Sample.Variant, String)] = [
      (.checksums, "the same HDF5 without the seal: chunks with Fletcher-32"),
      (.plain, "ordinary HDF5: contiguous, no checksums"),
    ]
    for (variant, title) in titles {
      lines += ["", title, ""]
      lines.append(line("damage", ["files", "error", "same", "WRONG", "crash", "hang"]))
      let columns: [Verdict] = [.error, .sameResult, .wrongResult, .crash, .hang]
      lines += rows([variant]) { counts in columns.map { counts[$0] ?? 0 } }
    }
    return lines.joined(separator: "\n")
  }

  private func rows(
    _ variants: [Sample.Variant], _ cells: ([Verdict: Int]) -> [Int]
  ) -> [String] {
    variants.flatMap { variant in
      let own = Mutation.allCases.compactMap { mutation -> String? in
        guard let counts = kinds[mutation]?[variant], Self.total(counts) > 0 else { return nil }
        return row(mutation.text, counts, cells)
      }
      return own + [row("all", totals[variant] ?? [:], cells)]
    }
  }

  private func row(_ name: String, _ counts: [Verdict: Int], _ cells: ([Verdict: Int]) -> [Int])
    -> String
  {
    line(name, ([Self.total(counts)] + cells(counts)).map(String.init))
  }

  private static func total(_ counts: [Verdict: Int]) -> Int {
    counts.reduce(0) { sum, entry in
      entry.key == .unchanged || entry.key == .inapplicable ? sum : sum + entry.value
    }
  }

  private func line(_ name: String, _ cells: [String]) -> String {
    let padded = cells.map { String(repeating: " ", count: max(1, 9 - $0.count)) + $0 }
    return name + String(repeating: " ", count: max(1, 26 - name.count)) + padded.joined()
  }
}
