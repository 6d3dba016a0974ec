/// The parts of a tokenizer.json that the tokenizer uses, checked for consistency.
struct TokenizerFile {
  let vocabulary: Vocabulary
  let merges: MergeTable
  let ignoresMerges: Bool
  /// By byte; -1 where no token stands for it.
  let byteIds: [Int32]
  /// What stands for a byte without a token, once for a run of them or once for each; nil leaves them out.
  private(set) var unknownId: Int32?
  let fusesUnknown: Bool
  private(set) var composes = false
  private(set) var preTokenizers: [PreTokenizer] = []
  let added: AddedTokenList

  private static let sizeLimit = 1 << 27
  /// Each stage calls the next one.
  private static let stageLimit = 64
  private static let knownPreTokenizers =
    "ByteLevel at the end, before it Digits and Split by Qwen's or GPT-2's pattern"

  /// - Parameter ignoresTemplate: What is put around texts is for the caller to read.
  init(path: String, ignoresTemplate: Bool = false) throws {
    let bytes = try WholeFile.modelBytes(path, limit: Self.sizeLimit)
    let paths = [["model", "vocab"], ["model", "merges"]]
    let (value, left) = try JSONParser.parse(bytes, leaving: Set(paths))
    let json = try JSONMembers(value, "its outermost value")
    let model = try json.object("model")
    try Self.checkModel(model)
    guard let vocabulary = left[paths[0]], bytes[vocabulary] == UInt8(ascii: "{") else {
      throw model.fault("vocab", "an object of tokens and their ids")
    }
    guard let merges = left[paths[1]], bytes[merges] == UInt8(ascii: "[") else {
      throw model.fault("merges", "an array of pairs of tokens")
    }
    self.vocabulary = try Vocabulary(bytes, at: vocabulary)
    self.merges = try MergeTable(bytes, at: merges, vocabulary: self.vocabulary)
    ignoresMerges = try model.flag("ignore_merges")
    fusesUnknown = try model.flag("fuse_unk")
    byteIds = ByteAlphabet.scalars.map { [known = self.vocabulary] in known.id(of: String($0)) ?? -1
    }
    added = try AddedTokenList(json.list("added_tokens"), beside: self.vocabulary)
    try readUnknown(model)
    try readNormalizer(json.value("normalizer"))
    try readPreTokenizers(json.value("pre_tokenizer"))
    if !ignoresTemplate { try Self.checkPostProcessor(json.value("post_processor")) }
    let decoder = json.value("decoder")
    if decoder != .null, decoder.type != "ByteLevel" {
      throw unsupported("decoder", decoder, "ByteLevel")
    }
  }

  // MARK: Model

  private static func checkModel(_ model: JSONMembers) throws {
    let type = model.value("type")
    // Files of old versions do not say; what else is in it decides then.
    guard type == .null || type.stringValue == "BPE" else {
      throw TokenizerError(
        description: "its model.type is \(type.text().prefix(80)); supported: BPE")
    }
    if let dropout = model.value("dropout").doubleValue, dropout == 0 {
    } else if model.value("dropout") != .null {
      throw TokenizerError(description: "its model.dropout is not null; ids would differ each time")
    }
    if try model.flag("byte_fallback") {
      throw TokenizerError(
        description: "its model.byte_fallback is true; supported: byte-level BPE, which needs none")
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      let value = model.value(key)
      if value != .null && value.stringValue != "" {
        throw TokenizerError(
          description: "its model.\(key) is \(value.text().prefix(80)); supported: null")
      }
    }
  }

  private mutating func readUnknown(_ model: JSONMembers) throws {
    guard byteIds.contains(where: { $0 >= 0 }) else {
      throw TokenizerError(
        description: "no token of its model.vocab stands for a byte; supported: byte-level BPE")
    }
    let unknown = model.value("unk_token")
    guard unknown != .null else { return }
    guard let token = unknown.stringValue else { throw model.fault("unk_token", "a string") }
    unknownId = vocabulary.id(of: token)
    if unknownId == nil && byteIds.contains(-1) {
      throw TokenizerError(
        description: "its model.unk_token \"\(token)\" is not in model.vocab, nor is every byte")
    }
  }

  // MARK: What text passes through

  private mutating func readNormalizer(_ value: JSONValue) throws {
    if value == .null { return }
    switch value.type {
    case "NFC": composes = true
    case "Sequence":
      for part in try JSONMembers(value, "its normalizer").list("normalizers") {
        try readNormalizer(part)
      }
    default: throw unsupported("normalizer", value, "NFC")
    }
  }

  private mutating func readPreTokenizers(_ value: JSONValue) throws {
    let stages = try Self.stages(value)
    guard stages.last?.type == "ByteLevel" else {
      throw unsupported("pre_tokenizer", value, Self.knownPreTokenizers)
    }
    guard stages.count <= Self.stageLimit else {
      throw TokenizerError(
        description: "its pre_tokenizer has \(stages.count) stages; at most \(Self.stageLimit) are"
          + " computed")
    }
    for stage in stages.dropLast() {
      preTokenizers.append(try cut(stage))
    }
    let byteLevel = try JSONMembers(stages[stages.count - 1], "its pre_tokenizer")
    if try byteLevel.flag("add_prefix_space", default: true) { preTokenizers.append(.prefixSpace) }
    if try byteLevel.flag("use_regex", default: true) { preTokenizers.append(.gpt2) }
  }

  private static func stages(_ value: JSONValue) throws -> [JSONValue] {
    guard value.type == "Sequence" else { return [value] }
    return try JSONMembers(value, "its pre_tokenizer").list("pretokenizers").flatMap(stages)
  }

  private func cut(_ value: JSONValue) throws -> PreTokenizer {
    switch value.type {
    case "Digits":
      return .digits(
        individually: try JSONMembers(value, "its pre_tokenizer").flag("individual_digits"))
    case "Split"
    where value["behavior"]?.stringValue == "Isolated" && value["invert"] != .bool(true):
      if value["pattern"]?["Regex"] == .string(PreTokenizer.qwenPattern) { return .qwen }
      if value["pattern"]?["Regex"] == .string(PreTokenizer.gpt2Pattern) { return .gpt2 }
    default: break
    }
    throw unsupported("pre_tokenizer", value, Self.knownPreTokenizers)
  }

  /// Accepts what puts nothing around a text.
  private static func checkPostProcessor(_ value: JSONValue) throws {
    switch value.type {
    case nil where value == .null: return
    case "ByteLevel": return
    case "Sequence":
      for part in try JSONMembers(value, "its post_processor").list("processors") {
        try checkPostProcessor(part)
      }
    case "TemplateProcessing":
      let single = value["single"]?.arrayValue
      guard single?.count == 1, single?[0]["Sequence"]?["id"]?.stringValue == "A" else {
        fallthrough
      }
    default:
      throw unsupported(
        "post_processor", value, "ByteLevel, and TemplateProcessing that adds no tokens")
    }
  }
}

func unsupported(_ part: String, _ value: JSONValue, _ known: String) -> TokenizerError {
  TokenizerError(description: "its \(part) is \(value.text().prefix(120)); supported: \(known)")
}

extension JSONValue {
  /// What the object that a tokenizer.json has at some place says it is.
  var type: String? { self["type"]?.stringValue }
}
