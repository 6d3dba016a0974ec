/// The added tokens of a tokenizer, checked against its vocabulary.
struct AddedTokenList {
  private(set) var tokens: [AddedTokens.Token] = []
  /// By content, and the other way round.
  private(set) var ids: [[UInt8]: Int32] = [:]
  private(set) var contents: [Int32: [UInt8]] = [:]

  init() {}

  /// Reads the elements of "added_tokens".
  init(_ list: [JSONValue], beside vocabulary: Vocabulary) throws {
    for item in list { try read(item, vocabulary) }
  }

  private mutating func read(_ value: JSONValue, _ vocabulary: Vocabulary) throws {
    let item = try JSONMembers(value, "an element of its added_tokens")
    guard let content = item.value("content").stringValue, !content.isEmpty else {
      throw item.fault("content", "a string that is not empty")
    }
    guard let number = item.value("id").intValue, (0..<Vocabulary.idLimit).contains(number) else {
      throw TokenizerError(
        description: "the id of its added token \"\(content)\" is not a whole number in"
          + " 0..<\(Vocabulary.idLimit)")
    }
    let id = Int32(number)
    try checkPlace(content, id, vocabulary)
    append(
      .init(
        id: id, content: Array(content.unicodeScalars), isSpecial: try item.flag("special"),
        isNormalized: try item.flag("normalized"), stripsLeft: try item.flag("lstrip"),
        stripsRight: try item.flag("rstrip"), isWord: try item.flag("single_word")),
      content)
  }

  /// Adds a special token of the vocabulary, found in texts as it is.
  mutating func appendSpecial(_ content: String, id: Int32) {
    guard ids[Array(content.utf8)] == nil else { return }
    append(
      .init(
        id: id, content: Array(content.unicodeScalars), isSpecial: true, isNormalized: false,
        stripsLeft: false, stripsRight: false, isWord: false), content)
  }

  private mutating func append(_ token: AddedTokens.Token, _ content: String) {
    let bytes = Array(content.utf8)
    ids[bytes] = token.id
    contents[token.id] = bytes
    tokens.append(token)
  }

  /// An added token is one of the vocabulary under its id there, or a new one under an id that is free.
  private func checkPlace(_ content: String, _ id: Int32, _ vocabulary: Vocabulary) throws {
    let bytes = Array(content.utf8)
    if ids[bytes] != nil {
      throw TokenizerError(description: "its added token \"\(content)\" stands twice")
    }
    if let known = vocabulary.id(of: content), known != id {
      throw TokenizerError(
        description: "its added token \"\(content)\" has the id \(id), but \(known) in model.vocab")
    }
    let other = contents[id] ?? Array(vocabulary.writtenForm(id))
    if !other.isEmpty && other != bytes {
      throw TokenizerError(
        description: "its added token \"\(content)\" has the id \(id) of the token"
          + " \"\(String(decoding: other, as: UTF8.self))\"")
    }
  }
}
