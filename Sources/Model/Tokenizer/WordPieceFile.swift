/// The parts of a WordPiece tokenizer's files, checked for consistency.
struct WordPieceFile {
  let vocabulary: Vocabulary
  private(set) var added = AddedTokenList()
  /// Nil changes nothing.
  private(set) var normalizer: BertNormalizer?
  let unknownId: Int32
  let continuingPrefix: [UInt8]
  /// Scalars of the longest word that is cut into pieces.
  let longestWord: Int
  let template: PairTemplate

  private static let sizeLimit = 1 << 27

  /// Reads a tokenizer.json.
  init(path: String) throws {
    let bytes = try WholeFile.modelBytes(path, limit: Self.sizeLimit)
    let place = ["model", "vocab"]
    let (value, left) = try JSONParser.parse(bytes, leaving: [place])
    let json = try JSONMembers(value, "its outermost value")
    let model = try json.object("model")
    guard let start = left[place], bytes[start] == UInt8(ascii: "{") else {
      throw model.fault("vocab", "an object of tokens and their ids")
    }
    vocabulary = try Vocabulary(bytes, at: start)
    added = try AddedTokenList(json.list("added_tokens"), beside: vocabulary)
    let unknown = try Self.string(model, "unk_token", default: "[UNK]")
    unknownId = try Self.known(unknown, vocabulary, "model.unk_token")
    continuingPrefix = Array(
      try Self.string(model, "continuing_subword_prefix", default: "##").utf8)
    longestWord = try Self.size(model, "max_input_chars_per_word", default: 100)
    normalizer = try Self.normalizer(json.value("normalizer"))
    let cut = json.value("pre_tokenizer")
    guard cut.type == "BertPreTokenizer" else {
      throw unsupported("pre_tokenizer", cut, "BertPreTokenizer")
    }
    template = try PairTemplate(json.value("post_processor"))
  }

  /// Reads vocab.txt, and tokenizer_config.json beside it where there is one.
  init(vocabulary path: String, configuration: JSONValue) throws {
    vocabulary = try Vocabulary(lines: WholeFile.modelBytes(path, limit: Self.sizeLimit))
    let json = try JSONMembers(configuration, "tokenizer_config.json")
    var ids: [String: Int32] = [:]
    for (key, usual) in [
      ("unk_token", "[UNK]"), ("sep_token", "[SEP]"), ("pad_token", "[PAD]"),
      ("cls_token", "[CLS]"), ("mask_token", "[MASK]"),
    ] {
      // A token is a string, or an object of it and how it is matched.
      let token = (json.value(key)["content"] ?? json.value(key)).stringValue ?? usual
      guard let id = vocabulary.id(of: token) else { continue }
      ids[key] = id
      added.appendSpecial(token, id: id)
    }
    guard let unknown = ids["unk_token"], let first = ids["cls_token"], let last = ids["sep_token"]
    else {
      throw TokenizerError(
        description: "it lacks the unknown, the first or the separating token ([UNK], [CLS], [SEP])"
      )
    }
    unknownId = unknown
    continuingPrefix = Array("##".utf8)
    longestWord = 100
    let lowercases = try json.flag("do_lower_case", default: true)
    normalizer = BertNormalizer(
      separatesIdeographs: try json.flag("tokenize_chinese_chars", default: true),
      stripsAccents: try json.flag("strip_accents", default: lowercases), lowercases: lowercases)
    template = PairTemplate(bert: first, separator: last)
  }

  private static func normalizer(_ value: JSONValue) throws -> BertNormalizer? {
    if value == .null { return nil }
    guard value.type == "BertNormalizer" else {
      throw unsupported("normalizer", value, "BertNormalizer")
    }
    let item = try JSONMembers(value, "its normalizer")
    let lowercases = try item.flag("lowercase", default: true)
    return BertNormalizer(
      cleansText: try item.flag("clean_text", default: true),
      separatesIdeographs: try item.flag("handle_chinese_chars", default: true),
      stripsAccents: try item.flag("strip_accents", default: lowercases), lowercases: lowercases)
  }

  private static func string(
    _ model: JSONMembers, _ key: String, default fallback: String
  ) throws -> String {
    switch model.value(key) {
    case .null: return fallback
    case .string(let text): return text
    default: throw model.fault(key, "a string")
    }
  }

  private static func size(
    _ model: JSONMembers, _ key: String, default fallback: Int
  ) throws -> Int {
    if model.value(key) == .null { return fallback }
    guard let size = model.value(key).intValue, size > 0 else {
      throw model.fault(key, "a positive whole number")
    }
    return size
  }

  private static func known(
    _ token: String, _ vocabulary: Vocabulary, _ place: String
  ) throws -> Int32 {
    guard let id = vocabulary.id(of: token) else {
      throw TokenizerError(description: "its \(place) \"\(token)\" is not in model.vocab")
    }
    return id
  }
}
