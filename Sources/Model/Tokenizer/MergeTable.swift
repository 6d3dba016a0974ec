/// Which pairs of tokens merge, how soon, and into what: an open-addressing hash table over pairs of ids.
struct MergeTable: Sendable {
  private struct Entry {
    var pair: UInt64 = .max, merge: UInt64 = 0
  }
  /// A power of two of entries, at most three quarters of them used.
  private var entries: [Entry] = []
  private var shift: UInt64 = 0

  /// Rank in the high half, id of the merged token in the low; nil if the two do not merge.
  func merge(_ left: Int32, _ right: Int32) -> UInt64? {
    let pair = Self.pair(left, right)
    let entry = entries[slot(of: pair)]
    return entry.pair == pair ? entry.merge : nil
  }

  private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  private func slot(of pair: UInt64) -> Int {
    var slot = Int(truncatingIfNeeded: (pair &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while entries[slot].pair != pair, entries[slot].pair != .max {
      slot = (slot + 1) & (entries.count - 1)
    }
    return slot
  }

  /// Reads the JSON list of merges that starts at `position` of `bytes`: ["a", "b"] or, as older files have it, "a b".
  init(_ bytes: [UInt8], at position: Int, vocabulary: Vocabulary) throws {
    var read: [Entry] = []
    var parser = JSONParser(bytes, at: position)
    var pair = WrittenPair()
    if try parser.open("[") {
      var rank = 0
      repeat {
        if try pair.read(from: &parser, rank: rank) {
          read.append(try Self.entry(pair, rank: rank, vocabulary))
          rank += 1
        }
      } while try parser.hasNext("]")
    }
    var bits: UInt64 = 4
    while 3 << bits < 4 * read.count { bits += 1 }
    shift = 64 - bits
    entries = [Entry](repeating: Entry(), count: 1 << bits)
    // The reference lets a repeated pair take its last rank.
    for entry in read { entries[slot(of: entry.pair)] = entry }
  }

  private static func entry(
    _ pair: WrittenPair, rank: Int, _ vocabulary: Vocabulary
  ) throws -> Entry {
    func id(_ token: Range<Int>) throws -> Int32 {
      if let id = vocabulary.id(of: token, in: pair.bytes) { return id }
      throw TokenizerError(
        description: "its merge \(rank), \(pair), needs the token \"\(pair.text(token))\","
          + " which is not in model.vocab")
    }
    let result = try id(pair.left.lowerBound..<pair.right.upperBound)
    return Entry(
      pair: Self.pair(try id(pair.left), try id(pair.right)),
      merge: UInt64(rank) << 32 | UInt64(UInt32(bitPattern: result)))
  }
}

/// Two tokens as a merge writes them, the second right behind the first.
private struct WrittenPair: CustomStringConvertible {
  private(set) var bytes: [UInt8] = []
  private(set) var left = 0..<0

  var right: Range<Int> { left.upperBound..<bytes.count }
  var description: String { "\"\(text(left))\" + \"\(text(right))\"" }

  func text(_ token: Range<Int>) -> String { String(decoding: bytes[token], as: UTF8.self) }

  /// Reads one element of the list; false if it is the heading that old files begin with.
  mutating func read(from parser: inout JSONParser, rank: Int) throws -> Bool {
    bytes.removeAll(keepingCapacity: true)
    if parser.isAtString {
      try parser.appendString(to: &bytes)
      if bytes.starts(with: "#version".utf8) { return false }
      let space = UInt8(ascii: " ")
      guard let cut = bytes.firstIndex(of: space), cut == bytes.lastIndex(of: space) else {
        throw malformed(rank)
      }
      bytes.remove(at: cut)
      left = 0..<cut
      return true
    }
    guard parser.peek() == UInt8(ascii: "["), try parser.open("["), parser.isAtString else {
      throw malformed(rank)
    }
    try parser.appendString(to: &bytes)
    left = 0..<bytes.count
    guard try parser.hasNext("]"), parser.isAtString else { throw malformed(rank) }
    try parser.appendString(to: &bytes)
    guard try !parser.hasNext("]") else { throw malformed(rank) }
    return true
  }

  private func malformed(_ rank: Int) -> TokenizerError {
    TokenizerError(description: "its merge \(rank) is not a pair of tokens")
  }
}
