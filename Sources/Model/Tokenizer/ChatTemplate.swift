/// One question and one answer in ChatML, the chat format of Qwen and of SmolLM2.
///
/// Templates are Jinja programs; only what differs between the known ones is read from them: the system line that is
/// put in front, and whether the answer follows an empty block of thoughts.
package struct ChatTemplate: Sendable, Equatable {
  /// What the system turn says; nil for no such turn.
  package let system: String?
  /// The answer follows `<think>\n\n</think>\n\n`, in training as in evaluation.
  package let thinks: Bool

  package init(system: String?, thinks: Bool) {
    self.system = system
    self.thinks = thinks
  }

  package static let qwen25 = ChatTemplate(
    system: "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.", thinks: false)
  package static let qwen3 = ChatTemplate(system: nil, thinks: true)

  /// The text up to where the model answers.
  package func prompt(user: String) -> String {
    let system = system.map { "<|im_start|>system\n\($0)<|im_end|>\n" } ?? ""
    let thoughts = thinks ? "<think>\n\n</think>\n\n" : ""
    return system + "<|im_start|>user\n\(user)<|im_end|>\n<|im_start|>assistant\n" + thoughts
  }

  /// What ends the answer's turn.
  package var answerSuffix: String { "<|im_end|>\n" }
}

extension ChatTemplate {
  private static let known =
    "known are ChatML templates (<|im_start|>) with or without a default system line, as of Qwen2.5"
    + " and SmolLM2, or with an empty block of thoughts, as of Qwen3; use prompt_template: plain"

  /// Reads the template of a model folder: `chat_template.jinja`, else `chat_template` in `tokenizer_config.json`.
  ///
  /// A folder without one has its architecture's. Throws `ModelError` for a template that is none of the known kinds.
  package init(
    modelFolder: String, architecture: QwenConfiguration.Architecture
  ) throws(ModelError) {
    guard let (source, place) = try Self.source(modelFolder) else {
      switch architecture {
      case .qwen2: self = .qwen25
      case .qwen3: self = .qwen3
      default:
        throw ModelError(
          .missing,
          "\(modelFolder) has no chat template (chat_template.jinja, or chat_template in"
            + " tokenizer_config.json), which prompt_template: chat needs; \(Self.known)")
      }
      return
    }
    guard source.contains("<|im_start|>"), source.contains("<|im_end|>") else {
      throw ModelError(.unsupported, "\(place): an unknown kind of chat template; \(Self.known)")
    }
    self.init(source: source)
  }

  /// Reads a ChatML template's text.
  package init(source: String) {
    system = Self.defaultSystem(source)
    thinks = source.contains("<think>") || source.contains("enable_thinking")
  }

  private static func source(
    _ folder: String
  ) throws(ModelError) -> (text: String, place: String)? {
    let jinja = folder + "/chat_template.jinja"
    if let text = try text(jinja) { return (text, jinja) }
    let path = folder + "/tokenizer_config.json"
    guard let text = try text(path) else { return nil }
    let json: JSONValue
    do { json = try JSONParser.parse(text) } catch {
      throw ModelError(.invalid, "\(path): \(error)")
    }
    let place = path + ": chat_template"
    switch json["chat_template"] {
    case nil, .null: return nil
    case .string(let text): return (text, place)
    case .array(let templates):
      let template = templates.first { $0["name"]?.stringValue == "default" }
      if let text = template?["template"]?.stringValue { return (text, place) }
      throw ModelError(.invalid, "\(place) is a list without a template named default")
    case .some(let other):
      throw ModelError(.invalid, "\(place) is \(other.kind); expected a string")
    }
  }

  private static func text(_ path: String) throws(ModelError) -> String? {
    let bytes: [UInt8]
    do { bytes = try WholeFile.modelBytes(path) } catch {
      guard error.code == .missing else { throw error }
      return nil
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ModelError(.invalid, "\(path) is not UTF-8 text")
    }
    return text
  }
}

extension ChatTemplate {
  /// The system turn that stands in the template as a literal: everything between its head and `<|im_end|>`.
  ///
  /// In `'<|im_start|>system\n' + message` the literal ends before the turn does, so it is no default.
  private static func defaultSystem(_ source: String) -> String? {
    var rest = source[...]
    while let end = rest.firstRange(of: "<|im_end|>") {
      let turn = rest[..<end.lowerBound]
      rest = rest[end.upperBound...]
      guard let head = turn.ranges(of: "<|im_start|>system").last else { continue }
      let quote = source[..<head.lowerBound].last.flatMap { "'\"".contains($0) ? $0 : nil }
      guard let text = literal(turn[head.upperBound...], quote: quote), text.first == "\n"
      else { continue }
      let system = text.dropFirst()
      if !system.isEmpty { return String(system) }
    }
    return nil
  }

  /// The text of a Jinja literal's part; nil if it leaves the literal.
  private static func literal(_ part: Substring, quote: Character?) -> String? {
    guard let quote else { return part.contains("{{") || part.contains("{%") ? nil : String(part) }
    var text = ""
    var rest = part
    while let character = rest.popFirst() {
      if character == quote { return nil }
      guard character == "\\", let escaped = rest.popFirst() else {
        text.append(character)
        continue
      }
      switch escaped {
      case "n": text.append("\n")
      case "t": text.append("\t")
      case "r": text.append("\r")
      default: text.append(escaped)
      }
    }
    return text
  }
}
