/// What a tokenizer puts around and between two texts.
struct PairTemplate: Sendable, Equatable {
  /// A special token or one of the texts, with the type of its tokens.
  enum Piece: Sendable, Equatable {
    case special(Int32, type: Int32)
    case first(type: Int32)
    case second(type: Int32)
  }
  private let pieces: [Piece]

  /// Special tokens that are added to the two texts.
  var addedCount: Int {
    pieces.count { if case .special = $0 { true } else { false } }
  }

  /// Highest id of a special token, and highest type of any token.
  var largestId: Int32 {
    pieces.reduce(0) { if case .special(let id, _) = $1 { max($0, id) } else { $0 } }
  }
  var largestType: Int32 {
    pieces.reduce(0) { largest, piece in
      switch piece {
      case .special(_, let type), .first(let type), .second(let type): max(largest, type)
      }
    }
  }

  private init(pieces: [Piece]) { self.pieces = pieces }

  /// [CLS] first [SEP] second [SEP], the second with its separator of type 1.
  init(bert first: Int32, separator: Int32) {
    self.init(pieces: [
      .special(first, type: 0), .first(type: 0), .special(separator, type: 0), .second(type: 1),
      .special(separator, type: 1),
    ])
  }

  /// <s> first </s></s> second </s>, all of type 0.
  init(roberta first: Int32, separator: Int32) {
    self.init(pieces: [
      .special(first, type: 0), .first(type: 0), .special(separator, type: 0),
      .special(separator, type: 0), .second(type: 0), .special(separator, type: 0),
    ])
  }

  /// Reads the post_processor of a tokenizer.json.
  init(_ value: JSONValue) throws {
    let known = "TemplateProcessing with a pair, BertProcessing and RobertaProcessing"
    switch value.type {
    case "BertProcessing":
      self.init(bert: try Self.id(value, "cls"), separator: try Self.id(value, "sep"))
    case "RobertaProcessing":
      self.init(roberta: try Self.id(value, "cls"), separator: try Self.id(value, "sep"))
    case "TemplateProcessing":
      guard let pair = value["pair"]?.arrayValue else {
        throw unsupported("post_processor", value, known)
      }
      let pieces = try pair.flatMap { try Self.pieces($0, value["special_tokens"] ?? .null) }
      guard pieces.count(where: { if case .first = $0 { true } else { false } }) == 1,
        pieces.count(where: { if case .second = $0 { true } else { false } }) == 1
      else { throw unsupported("post_processor", value, known) }
      self.init(pieces: pieces)
    case "Sequence":
      let parts = try JSONMembers(value, "its post_processor").list("processors")
      let others = parts.filter { $0.type != "ByteLevel" }
      guard others.count == 1 else { throw unsupported("post_processor", value, known) }
      try self.init(others[0])
    default: throw unsupported("post_processor", value, known)
    }
  }

  private static func id(_ value: JSONValue, _ key: String) throws -> Int32 {
    guard let pair = value[key]?.arrayValue, pair.count == 2, let id = pair[1].intValue,
      (0..<Vocabulary.idLimit).contains(id)
    else {
      throw TokenizerError(
        description: "\"\(key)\" of its post_processor is not a token and its id")
    }
    return Int32(id)
  }

  private static func pieces(_ value: JSONValue, _ specials: JSONValue) throws -> [Piece] {
    let fault = TokenizerError(
      description: "its post_processor has the piece \(value.text().prefix(80)), which says nothing"
    )
    if let sequence = value["Sequence"] {
      guard let type = sequence["type_id"]?.intValue, (0...1).contains(type) else { throw fault }
      switch sequence["id"]?.stringValue {
      case "A": return [.first(type: Int32(type))]
      case "B": return [.second(type: Int32(type))]
      default: throw fault
      }
    }
    guard let special = value["SpecialToken"], let name = special["id"]?.stringValue,
      let type = special["type_id"]?.intValue, (0...1).contains(type),
      let ids = specials[name]?["ids"]?.arrayValue
    else { throw fault }
    return try ids.map {
      guard let id = $0.intValue, (0..<Vocabulary.idLimit).contains(id) else { throw fault }
      return .special(Int32(id), type: Int32(type))
    }
  }

  /// The two texts with everything around them, cut to at most `maximumLength` tokens.
  ///
  /// Cut is the longer text, and both to the same length where that isn't enough.
  func joined(_ first: [Int32], _ second: [Int32], maximumLength: Int) -> EncodedPair {
    precondition(maximumLength > addedCount, "there is no room beside the special tokens")
    let (firstCount, secondCount) = Self.cut(
      first.count, second.count, to: maximumLength - addedCount)
    var tokens: [Int32] = []
    var types: [Int32] = []
    func add(_ part: some Collection<Int32>, _ type: Int32) {
      tokens += part
      types += repeatElement(type, count: part.count)
    }
    for piece in pieces {
      switch piece {
      case .special(let id, let type): add(CollectionOfOne(id), type)
      case .first(let type): add(first.prefix(firstCount), type)
      case .second(let type): add(second.prefix(secondCount), type)
      }
    }
    return EncodedPair(tokens: tokens, types: types)
  }

  /// How many tokens remain of each; an odd one goes to the longer text.
  private static func cut(_ first: Int, _ second: Int, to limit: Int) -> (Int, Int) {
    guard first + second > limit else { return (first, second) }
    let shorter = min(first, second)
    var kept = (shorter, max(shorter, limit - shorter))
    if kept.0 + kept.1 > limit { kept = (limit / 2, limit - limit / 2) }
    return first > second ? (kept.1, kept.0) : kept
  }
}
