/// The parts of a tokenizer.json that the tokenizer uses, checked for consistency.
struct TokenizerFile {
  private(set) var composes = false
  private(set) var preTokenizers: [PreTokenizer] = []
  private(set) var addsPrefixSpace = false
  private(set) var ignoresMerges = false
  private(set) var ids: [String: Int32] = [:]
  private(set) var bytes: [[UInt8]] = []
  private(set) var byteIds: [Int32] = []
  private(set) var merger = BytePairMerger(capacity: 0)
  private(set) var added: [AddedTokens.Token] = []
  private static let largestId = 1 << 22

  init(path: String) throws {
    let file = try MappedFile(path: path)
    let json = try JSONParser.parse(file.bytes(0..<file.count))
    guard let model = json["model"], model["type"]?.stringValue ?? "BPE" == "BPE" else {
      let type = json["model"]?["type"]?.stringValue ?? "missing"
      throw TokenizerError(description: "its model is \(type); byte-level BPE is supported")
    }
    try readNormalizer(json["normalizer"])
    try readPreTokenizer(json["pre_tokenizer"])
    try checkPassive(json["post_processor"], "post_processor")
    try checkPassive(json["decoder"], "decoder")
    ignoresMerges = model["ignore_merges"]?.boolValue ?? false
    try readVocabulary(model["vocab"])
    try readAdded(json["added_tokens"])
    try readMerges(model["merges"])
  }

  private mutating func readNormalizer(_ value: JSONValue?) throws {
    guard let value, value != .null else { return }
    switch value["type"]?.stringValue {
    case "NFC": composes = true
    case "Sequence":
      for part in value["normalizers"]?.arrayValue ?? [] { try readNormalizer(part) }
    default: throw unsupported("normalizer", value, "NFC")
    }
  }

  private mutating func readPreTokenizer(_ value: JSONValue?) throws {
    switch value?["type"]?.stringValue {
    case "Sequence":
      for part in value?["pretokenizers"]?.arrayValue ?? [] { try readPreTokenizer(part) }
    case "ByteLevel":
      if value?["use_regex"]?.boolValue ?? true { preTokenizers.append(.gpt2) }
      addsPrefixSpace = value?["add_prefix_space"]?.boolValue ?? true
    case "Digits" where value?["individual_digits"]?.boolValue == true:
      preTokenizers.append(.digits)
    case "Split"
    where value?["pattern"]?["Regex"]?.stringValue == PreTokenizer.qwenPattern
      && value?["behavior"]?.stringValue == "Isolated" && value?["invert"]?.boolValue != true:
      preTokenizers.append(.qwen)
    default:
      throw unsupported(
        "pre_tokenizer", value ?? .null,
        "ByteLevel, Digits with individual_digits, and Split by Qwen's pattern")
    }
  }

  private func checkPassive(_ value: JSONValue?, _ name: String) throws {
    guard let value, value != .null, value["type"]?.stringValue != "ByteLevel" else { return }
    // A template that puts nothing around the text changes nothing.
    if value["type"]?.stringValue == "TemplateProcessing", let single = value["single"]?.arrayValue,
      single.allSatisfy({ $0["Sequence"] != nil })
    {
      return
    }
    throw unsupported(name, value, "ByteLevel")
  }

  private func unsupported(_ part: String, _ value: JSONValue, _ known: String) -> TokenizerError {
    TokenizerError(description: "its \(part) is \(value.text().prefix(120)); supported: \(known)")
  }

  private mutating func readVocabulary(_ value: JSONValue?) throws {
    guard let object = value?.objectValue, object.count > 0 else {
      throw TokenizerError(description: "model.vocab is missing or empty")
    }
    ids.reserveCapacity(object.count)
    bytes = [[UInt8]](repeating: [], count: object.count)
    for (token, value) in zip(object.keys, object.values) {
      try place(token, value, ByteAlphabet.bytes(of: token) ?? Array(token.utf8))
    }
    // A vocabulary without an unknown token may lack bytes that never occur in text; they are left out.
    byteIds = ByteAlphabet.scalars.map { ids[String($0)] ?? -1 }
    guard byteIds.contains(where: { $0 >= 0 }) else {
      throw TokenizerError(
        description: "no token stands for a byte; only byte-level BPE is supported")
    }
  }

  private mutating func place(_ token: String, _ value: JSONValue?, _ content: [UInt8]) throws {
    guard let id = value?.intValue, id >= 0, id < Self.largestId, !token.isEmpty else {
      throw TokenizerError(
        description: "token \"\(token)\" is empty or has no id in 0..<\(Self.largestId)")
    }
    while bytes.count <= id { bytes.append([]) }
    guard bytes[id].isEmpty || ids[token] == Int32(id) else {
      throw TokenizerError(description: "two tokens have the id \(id), one is \"\(token)\"")
    }
    bytes[id] = content
    ids[token] = Int32(id)
  }

  private mutating func readAdded(_ value: JSONValue?) throws {
    for item in value?.arrayValue ?? [] {
      let content = item["content"]?.stringValue ?? ""
      try place(content, item["id"], Array(content.utf8))
      added.append(
        .init(
          id: ids[content] ?? 0, content: Array(content.unicodeScalars),
          isNormalized: item["normalized"]?.boolValue ?? false,
          stripsLeft: item["lstrip"]?.boolValue ?? false,
          stripsRight: item["rstrip"]?.boolValue ?? false,
          isWord: item["single_word"]?.boolValue ?? false))
    }
  }

  private mutating func readMerges(_ value: JSONValue?) throws {
    guard let list = value?.arrayValue else {
      throw TokenizerError(description: "model.merges is missing")
    }
    merger = BytePairMerger(capacity: list.count)
    for (rank, item) in list.enumerated() {
      var pair = item.arrayValue?.compactMap(\.stringValue) ?? []
      if let text = item.stringValue {
        pair = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      }
      guard pair.count == 2, let left = ids[pair[0]], let right = ids[pair[1]],
        let result = ids[pair[0] + pair[1]]
      else {
        throw TokenizerError(
          description: "merge \(rank) (\(item.text().prefix(80))) names tokens that are not there")
      }
      merger.add(left, right, rank: rank, result: result)
    }
  }
}
