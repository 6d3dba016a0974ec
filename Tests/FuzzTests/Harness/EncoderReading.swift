internal import Model

/// What an encoder's folder holds: vocab.txt, tokenizer.json, config.json and weights; and texts for its tokenizers.
struct EncoderReading {
  let folder: ScratchFolder

  func accepts(_ content: [UInt8], _ choice: UInt8) throws -> Bool {
    folder.remove("tokenizer.json")
    folder.remove("tokenizer_config.json")
    switch choice % 6 {
    case 0: return try acceptsTokenizer(content, in: "vocab.txt")
    case 1: return try acceptsTokenizer(content, in: "tokenizer.json")
    case 2: return try cutsText(content, FuzzSeeds.wordPieces)
    case 3: return try cutsText(content, FuzzSeeds.robertaTokenizer)
    case 4: return try acceptsConfiguration(content)
    default: return try acceptsWeights(content)
    }
  }

  private static let pairs = [
    ("", ""), ("Ab  b\u{301}\n", "a12?"), ("\u{4E00}\u{1F600}\u{0}\u{7F}\u{2028}[MASK]", " ab ab "),
  ]

  private func acceptsTokenizer(_ content: [UInt8], in name: String) throws -> Bool {
    try folder.write(content, to: name)
    let tokenizer: EncoderTokenizer
    do { tokenizer = try EncoderTokenizer(folder: folder.path) } catch { return false }
    let again = try EncoderTokenizer(folder: folder.path)
    for (question, option) in Self.pairs {
      try check(tokenizer, question, option)
      try FuzzFinding.require(
        tokenizer.pair(question, option, maximumLength: 9)
          == again.pair(question, option, maximumLength: 9), "other ids at the second reading")
    }
    return true
  }

  private func cutsText(_ content: [UInt8], _ json: String) throws -> Bool {
    try folder.write(json, to: "tokenizer.json")
    let text = String(decoding: content, as: UTF8.self)
    try check(EncoderTokenizer(folder: folder.path), text, String(text.reversed()))
    return true
  }

  /// A pair is within the vocabulary and the length, and is cut from the end of the longer text alone.
  private func check(_ tokenizer: EncoderTokenizer, _ question: String, _ option: String) throws {
    let whole = tokenizer.pair(question, option, maximumLength: .max)
    let cut = tokenizer.pair(question, option, maximumLength: 12)
    for pair in [whole, cut] {
      try FuzzFinding.require(
        pair.tokens.count == pair.types.count
          && pair.tokens.allSatisfy { (0..<tokenizer.vocabularySize).contains(Int($0)) },
        "an id outside of the vocabulary for \(question) and \(option)")
    }
    try FuzzFinding.require(
      cut.tokens.count <= 12 && (whole.tokens.count > 12 || cut == whole),
      "\(cut.tokens.count) tokens are left of \(whole.tokens.count)")
  }

  private func acceptsConfiguration(_ content: [UInt8]) throws -> Bool {
    try folder.write(content, to: "config.json")
    let sizes: EncoderConfiguration
    do { sizes = try EncoderConfiguration(modelFolder: folder.path) } catch { return false }
    try FuzzFinding.require(
      sizes.hiddenSize % sizes.headCount == 0 && sizes.longestSequence > 0 && sizes.normEpsilon > 0
        && sizes.vocabularySize > 0, "an impossible model: \(sizes)")
    if sizes.layerCount <= 64 {
      try FuzzFinding.require(EncoderModel(sizes).layout.count > 0, "no parameters")
    }
    return true
  }

  private func acceptsWeights(_ content: [UInt8]) throws -> Bool {
    try folder.write(FuzzSeeds.encoderConfiguration, to: "config.json")
    try folder.write(content, to: "model.safetensors")
    let model = EncoderModel(try EncoderConfiguration(modelFolder: folder.path))
    let parameters: FloatBuffer
    do { parameters = try model.parameters(folder: folder.path, seed: 1) } catch { return false }
    let again = try model.parameters(folder: folder.path, seed: 1)
    try FuzzFinding.require(
      parameters.array().map(\.bitPattern) == again.array().map(\.bitPattern),
      "other parameters at the second reading")
    return true
  }
}
