/// Everything that is wrong with a configuration, told at once.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  package let faults: [String]
  /// 66 where the file is missing, 78 for what is wrong in it.
  package let exitCode: Int32

  package init(_ faults: [String], exitCode: Int32 = 78) {
    self.faults = faults
    self.exitCode = exitCode
  }

  package var description: String {
    faults.count == 1
      ? faults[0]
      : "the configuration has \(faults.count) faults:\n"
        + faults.map { "  \($0)" }.joined(separator: "\n")
  }

  /// Says which known key an unknown one may mean.
  static func unknownKey(_ name: String, at place: String) -> String {
    if let foreign = ForeignKey.named(name) { return "\(place): \(foreign.sentence)" }
    if let nearest = nearestKey(to: name, within: max(2, name.count / 3)) {
      return "\(place): unknown key '\(name)'; did you mean '\(nearest)'?"
    }
    return "\(place): unknown key '\(name)'; disttrain train --help lists all keys"
  }

  /// The key that is at most `distance` edits away from `name`, and nearest to it.
  static func nearestKey(to name: String, within distance: Int) -> String? {
    // The edit distance is quadratic in the length, and no key is that long.
    guard name.utf8.count <= 64 else { return nil }
    let names = ConfigurationKey.all.flatMap { [$0.name] + ($0.shareName.map { [$0] } ?? []) }
    let candidates = names.map { (name: $0, distance: editDistance($0, name)) }
    return candidates.filter { $0.distance <= distance }.min { $0.distance < $1.distance }?.name
  }

  /// Insertions, deletions and substitutions from one word to the other (Levenshtein, 1966).
  static func editDistance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let substitution = diagonal + (a[i] == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[b.count]
  }
}
