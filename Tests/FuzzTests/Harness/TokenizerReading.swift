internal import Model

/// tokenizer.json, texts for complete tokenizers, and chat templates.
struct TokenizerReading {
  let folder: ScratchFolder

  func accepts(_ content: [UInt8], _ choice: UInt8) throws -> Bool {
    switch choice % 5 {
    case 0: return try acceptsTokenizer(content)
    case 1: return try roundTrips(content, FuzzSeeds.tokenizer(FuzzSeeds.qwenStages))
    case 2: return try roundTrips(content, FuzzSeeds.tokenizer(FuzzSeeds.gpt2Stages))
    case 3:
      folder.remove("tokenizer_config.json")
      return try acceptsTemplate(content, in: "chat_template.jinja")
    default:
      folder.remove("chat_template.jinja")
      return try acceptsTemplate(content, in: "tokenizer_config.json")
    }
  }

  private static let texts = [
    "", "a", "ab abc  abc\n\n 12,345 I'll <x> it's",
    "e\u{301}\u{1F600}\u{0}\u{7F}\u{2028}<|im_start|>\t\u{AC00}\u{11A8}",
  ]

  private func acceptsTokenizer(_ content: [UInt8]) throws -> Bool {
    let path = try folder.write(content, to: "tokenizer.json")
    let tokenizer: Tokenizer
    do { tokenizer = try Tokenizer(path: path) } catch { return false }
    let again = try Tokenizer(path: path)
    for text in Self.texts {
      let ids = tokenizer.encode(text)
      try FuzzFinding.require(
        ids.allSatisfy { (0..<tokenizer.vocabularySize).contains(Int($0)) },
        "an id outside of the vocabulary for \(text)")
      try FuzzFinding.require(ids == again.encode(text), "other ids at the second reading")
      try FuzzFinding.require(
        tokenizer.decode(ids) == again.decode(ids), "another text at the second reading")
    }
    return true
  }

  /// Every text comes back from a tokenizer that has a token for each byte and adds nothing.
  private func roundTrips(_ content: [UInt8], _ json: String) throws -> Bool {
    let tokenizer = try Tokenizer(path: folder.write(json, to: "tokenizer.json"))
    let text = String(decoding: content, as: UTF8.self)
    let decoded = tokenizer.decode(tokenizer.encode(text))
    try FuzzFinding.require(
      decoded.utf8.elementsEqual(text.utf8), "a text comes back as \(decoded)")
    return true
  }

  private func acceptsTemplate(_ content: [UInt8], in name: String) throws -> Bool {
    try folder.write(content, to: name)
    let template: ChatTemplate
    do { template = try ChatTemplate(modelFolder: folder.path, architecture: .llama) } catch {
      return false
    }
    let prompt = template.prompt(user: "question")
    try FuzzFinding.require(
      prompt.contains("<|im_start|>user\nquestion<|im_end|>\n"), "the question is not in the prompt"
    )
    return true
  }
}
