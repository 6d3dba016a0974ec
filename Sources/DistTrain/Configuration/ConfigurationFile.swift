internal import Model
internal import Yams

/// The settings of one YAML file with their lines, and what is wrong with its lines.
struct ConfigurationFile {
  struct Setting: Equatable {
    let name: String, text: String, source: String
  }
  private(set) var settings: [Setting] = []
  private(set) var faults: [String] = []
  private let path: String
  /// What YAML 1.1 reads as no value.
  private static let nulls = ["", "~", "null", "Null", "NULL"]

  private static let sizeLimit = 1 << 20
  /// The YAML reader looks through a repeated part as often as it is referred to, also within other such parts, so a
  /// few dozen references could keep it busy for years.
  private static let aliasLimit = 16

  /// Reads `path`; throws with exit code 66 if it is missing, 78 if it is no YAML text.
  init(path: String) throws(ConfigurationError) {
    self.path = path
    for pair in try Self.pairs(Self.text(path), path) { read(pair.key, pair.value) }
  }

  private static func text(_ path: String) throws(ConfigurationError) -> String {
    let bytes: [UInt8]
    do { bytes = try InputFile.bytes(path, limit: sizeLimit) } catch {
      throw ConfigurationError(
        ["the configuration \(path) \(error.reason); give the path of a YAML file"], exitCode: 66)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigurationError(["\(path) is not UTF-8 text; save the configuration as UTF-8"])
    }
    return text
  }

  private static func pairs(
    _ text: String, _ path: String
  ) throws(ConfigurationError) -> [(key: Node, value: Node)] {
    guard aliasCount(text) <= aliasLimit else {
      throw ConfigurationError([
        "\(path) has more than \(aliasLimit) references (*name); write the values out"
      ])
    }
    let node: Node?
    do { node = try Yams.compose(yaml: text) } catch {
      throw ConfigurationError([sentence(error, path)])
    }
    guard let node, node.scalar.map({ !nulls.contains($0.string) }) ?? true else { return [] }
    guard let mapping = node.mapping else {
      throw ConfigurationError(["\(path): expected lines of 'key: value'"])
    }
    return mapping.map { ($0.key, $0.value) }
  }

  /// At least the references to anchors outside of comments.
  private static func aliasCount(_ text: String) -> Int {
    let lines = text.unicodeScalars.split {
      "\n\r\u{85}\u{2028}\u{2029}".unicodeScalars.contains($0)
    }
    return lines.reduce(0) { count, line in
      if line.first(where: { $0 != " " }) == "#" { return count }
      var previous: Unicode.Scalar = " "
      return line.reduce(count) { count, scalar in
        defer { previous = scalar }
        let begins = scalar == "*" && " \t[{,:-?".unicodeScalars.contains(previous)
        return begins ? count + 1 : count
      }
    }
  }

  /// What the YAML reader objects to, on one line.
  private static func sentence(_ error: any Error, _ path: String) -> String {
    switch error {
    case YamlError.scanner(_, let problem, let mark, _),
      YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _):
      return "\(path):\(mark.line): not valid YAML: \(problem) (column \(mark.column))"
    case YamlError.duplicatedKeysInMapping(let keys, let context):
      let names = keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
      return "\(path):\(context.mark.line): \(names) stands twice; keep one of the lines"
    case YamlError.reader(let problem, _, _, _): return "\(path): not valid YAML: \(problem)"
    default: return "\(path): not valid YAML: \(error)"
    }
  }

  private mutating func read(_ key: Node, _ value: Node) {
    let place = "\(path):\(key.mark?.line ?? 1)"
    guard let name = key.scalar?.string else {
      faults.append("\(place): a key must be a word, not a list or a block")
      return
    }
    guard let known = ConfigurationKey.named(name) else { return refuse(name, value, place) }
    if let scalar = value.scalar {
      if scalar.style == .plain, Self.nulls.contains(scalar.string) {
        readNull(known, name, place)
      } else {
        settings.append(Setting(name: name, text: scalar.string, source: place))
      }
    } else if let list = value.sequence, known.kind == .list {
      readList(list, name, place)
    } else {
      faults.append("\(place): \(name) takes one value, not a list or a nested block")
    }
  }

  private static let blockFaultLimit = 50

  /// Says what an unknown key may mean; of a block, as other trainers have them, what each key in it may mean.
  private mutating func refuse(_ name: String, _ value: Node, _ place: String) {
    let members = Self.members(of: value)
    guard !members.isEmpty else {
      return faults.append(ConfigurationError.unknownKey(name, at: place))
    }
    for (key, _) in members.prefix(Self.blockFaultLimit) {
      guard let word = key.scalar?.string else { continue }
      let place = "\(path):\(key.mark?.line ?? 1)"
      if let foreign = ForeignKey.named(name + "." + word) {
        faults.append("\(place): \(foreign.sentence)")
      } else if let known = ConfigurationKey.named(word) {
        faults.append(
          "\(place): '\(name).\(word)' stands in a block; write '\(known.name)' without one")
      } else if ForeignKey.hasBlock(name) {
        faults.append("\(place): unknown key '\(name).\(word)'; leave it out")
      } else {
        faults.append(ConfigurationError.unknownKey(word, at: "\(place): in the block '\(name)'"))
      }
    }
  }

  /// The lines of a block, or of the first one in a list of blocks.
  private static func members(of value: Node) -> [(key: Node, value: Node)] {
    let block = value.mapping ?? value.sequence?.first?.mapping
    return block.map { $0.map { ($0.key, $0.value) } } ?? []
  }

  private mutating func readNull(_ key: ConfigurationKey, _ name: String, _ place: String) {
    if key.kind == .optionalText {
      settings.append(Setting(name: name, text: "none", source: place))
    } else {
      let advice =
        key.fallback.map { "give one, or leave the line out for the default, \($0)" } ?? "give one"
      faults.append("\(place): \(name) has no value; \(advice)")
    }
  }

  private mutating func readList(_ list: Node.Sequence, _ name: String, _ place: String) {
    let words = list.compactMap { $0.scalar?.string }
    if words.count == list.count, !words.contains(where: { Self.nulls.contains($0) }) {
      settings.append(Setting(name: name, text: words.joined(separator: ","), source: place))
    } else {
      faults.append("\(place): \(name) must be a list of names, without empty or nested items")
    }
  }
}
