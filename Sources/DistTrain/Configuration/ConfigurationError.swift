/// Everything that is wrong with a configuration, told at once; exit code 78.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  package let faults: [String]

  package init(_ faults: [String]) { self.faults = faults }

  package var description: String {
    faults.count == 1
      ? faults[0]
      : "the configuration has \(faults.count) faults:\n"
        + faults.map { "  \($0)" }.joined(separator: "\n")
  }

  /// Says which known key an unknown one may mean.
  static func unknownKey(_ name: String, at place: String) -> String {
    for key in ConfigurationKey.all {
      if let dialect = key.aliases[name] {
        return "\(place): unknown key '\(name)' (\(dialect)); here it is '\(key.name)'"
      }
    }
    let nearest = ConfigurationKey.all.map(\.name).min {
      editDistance($0, name) < editDistance($1, name)
    }
    if let nearest, editDistance(nearest, name) <= max(2, name.count / 3) {
      return "\(place): unknown key '\(name)'; did you mean '\(nearest)'?"
    }
    return "\(place): unknown key '\(name)'; disttrain train --help lists all keys"
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
