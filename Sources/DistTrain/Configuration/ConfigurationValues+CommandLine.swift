extension ConfigurationValues {
  /// Takes a command line apart: CONFIG.yaml, key=value, --key value, --key=value, and bare --flag.
  ///
  /// Key names are made those of the file: `--lora-r` and `--lora_r` are `lora_r`.
  package static func parse(
    _ arguments: [String]
  ) throws(ConfigurationError) -> (file: String?, overrides: [(key: String, value: String)]) {
    var file: String?
    var overrides: [(key: String, value: String)] = []
    var faults: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if let (name, value) = assignment(argument) {
        overrides.append((name, value))
      } else if argument.hasPrefix("--") && argument != "--" {
        let name = normalized(argument)
        switch value(of: name, &rest) {
        case .some(let value): overrides.append((name, value))
        case nil where ConfigurationKey.named(name) == nil:
          faults.append(ConfigurationError.unknownKey(name, at: "command line"))
        case nil: faults.append("command line: \(argument) needs a value")
        }
      } else if file == nil, !argument.hasPrefix("-") {
        file = argument
      } else {
        faults.append(
          "command line: '\(argument)' is neither key=value nor --key, and a recipe is given once")
      }
    }
    if !faults.isEmpty { throw ConfigurationError(faults) }
    return (file, overrides)
  }

  private static func normalized(_ word: String) -> String {
    String(word.drop { $0 == "-" }).replacing("-", with: "_")
  }

  /// key=value or --key=value; a path that contains '=' is none.
  private static func assignment(_ argument: String) -> (String, String)? {
    guard let equals = argument.firstIndex(of: "="), equals > argument.startIndex else {
      return nil
    }
    let name = argument[..<equals]
    let isForeign = ForeignKey.named(String(name)) != nil
    guard !name.contains("/"), !name.contains(".") || isForeign else { return nil }
    return (normalized(String(name)), String(argument[argument.index(after: equals)...]))
  }

  /// Takes what follows --name; a flag stands alone unless a word for true or false follows.
  private static func value(of name: String, _ rest: inout ArraySlice<String>) -> String? {
    if ConfigurationKey.named(name)?.kind == .flag {
      guard let next = rest.first, ConfigurationKey.flag(next) != nil else { return "true" }
    }
    guard let next = rest.first, !next.hasPrefix("--") else { return nil }
    rest = rest.dropFirst()
    return next
  }
}
