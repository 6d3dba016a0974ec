/// Tokens and their ids, both ways; the tokens' characters lie one behind the other in one array.
struct Vocabulary: Sendable {
  private struct Place {
    var start: UInt32 = 0, count: UInt32 = 0
  }
  /// Ids are below this.
  static let idLimit = 1 << 22
  /// UTF-8 of every token as the file writes it, in the order of the file.
  private var written: [UInt8] = []
  /// By id; of no characters where there is no such token.
  private var places: [Place] = []
  /// An open-addressing hash table of ids, -1 where it is empty; at most three quarters of it are full.
  private var slots = [Int32](repeating: -1, count: 1 << 16)
  private var count = 0

  /// Highest id + 1.
  var size: Int { places.count }

  /// Reads the JSON object of tokens and ids that starts at `position` of `bytes`.
  init(_ bytes: [UInt8], at position: Int) throws {
    var parser = JSONParser(bytes, at: position)
    guard try parser.open("{") else {
      throw TokenizerError(description: "its model.vocab is empty; it needs a token for each byte")
    }
    repeat {
      let start = written.count
      try parser.appendKey(to: &written)
      try place(from: start, id: parser.natural())
    } while try parser.hasNext("}")
  }

  /// Takes every line of `lines` for a token; the first has id 0.
  init(lines: [UInt8]) throws {
    var id = 0
    for line in lines.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      let token = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      // The last line ends the file.
      if line.endIndex == lines.endIndex && token.isEmpty { break }
      let start = written.count
      written += token
      try place(from: start, id: id)
      id += 1
    }
  }

  /// Gives the token that was written last its id.
  private mutating func place(from start: Int, id: Int?) throws {
    let token = start..<written.count
    guard !token.isEmpty else {
      throw TokenizerError(description: "its model.vocab has an empty token")
    }
    guard let id, id < Self.idLimit else {
      throw TokenizerError(
        description:
          "the id of its token \"\(text(token))\" is not a whole number in 0..<\(Self.idLimit)")
    }
    while places.count <= id { places.append(Place()) }
    guard places[id].count == 0 else {
      throw TokenizerError(
        description:
          "its tokens \"\(text(range(id)))\" and \"\(text(token))\" have the same id \(id)")
    }
    if 4 * (count + 1) > 3 * slots.count { grow() }
    let slot = slot(of: token, in: written)
    guard slots[slot] < 0 else {
      throw TokenizerError(description: "its token \"\(text(token))\" stands twice in model.vocab")
    }
    slots[slot] = Int32(id)
    places[id] = Place(start: UInt32(start), count: UInt32(token.count))
    count += 1
  }

  /// The id of the token written as `bytes[range]`.
  func id(of range: Range<Int>, in bytes: [UInt8]) -> Int32? {
    let id = slots[slot(of: range, in: bytes)]
    return id < 0 ? nil : id
  }

  func id(of token: String) -> Int32? {
    let bytes = Array(token.utf8)
    return id(of: 0..<bytes.count, in: bytes)
  }

  /// How the file writes a token; nothing if there is no token of that id.
  func writtenForm(_ id: Int32) -> ArraySlice<UInt8> {
    places.indices.contains(Int(id)) ? written[range(Int(id))] : []
  }

  private func range(_ id: Int) -> Range<Int> {
    let start = Int(places[id].start)
    return start..<start + Int(places[id].count)
  }

  private func text(_ range: Range<Int>) -> String {
    String(decoding: written[range], as: UTF8.self)
  }

  /// Where the id of a token stands in the table, or would stand.
  private func slot(of token: Range<Int>, in bytes: [UInt8]) -> Int {
    // FNV-1a, whose high bits are the well mixed ones.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in token { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
    var slot = Int(truncatingIfNeeded: (hash ^ hash >> 29)) & (slots.count - 1)
    while slots[slot] >= 0, !isEqual(range(Int(slots[slot])), token, bytes) {
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }

  private func isEqual(_ known: Range<Int>, _ token: Range<Int>, _ bytes: [UInt8]) -> Bool {
    guard known.count == token.count else { return false }
    for offset in 0..<token.count
    where written[known.lowerBound + offset] != bytes[token.lowerBound + offset] { return false }
    return true
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: 2 * slots.count)
    for id in places.indices where places[id].count > 0 {
      slots[slot(of: range(id), in: written)] = Int32(id)
    }
  }
}
