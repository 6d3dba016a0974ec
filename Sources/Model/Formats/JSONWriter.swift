extension JSONValue {
  /// This value as JSON text: on one line, or indented by `indent` spaces per level.
  ///
  /// Numbers are written as the shortest text that reads back as the same value, so equal values give equal bytes;
  /// a number that is not finite becomes null.
  package func text(indent: Int? = nil) -> String {
    var output = ""
    write(to: &output, indent: indent, level: 0)
    return output
  }

  private func write(to output: inout String, indent: Int?, level: Int) {
    switch self {
    case .null: output += "null"
    case .bool(let value): output += value ? "true" : "false"
    case .integer(let value): output += String(value)
    case .double(let value): output += value.isFinite ? "\(value)" : "null"
    case .string(let value): Self.write(value, to: &output)
    case .array(let values):
      Self.writeList(
        values, open: "[", close: "]", to: &output, indent: indent, level: level
      ) { value, output in value.write(to: &output, indent: indent, level: level + 1) }
    case .object(let object):
      Self.writeList(
        Array(zip(object.keys, object.values)), open: "{", close: "}", to: &output, indent: indent,
        level: level
      ) { member, output in
        Self.write(member.0, to: &output)
        output += ": "
        member.1.write(to: &output, indent: indent, level: level + 1)
      }
    }
  }

  private static func writeList<Element>(
    _ elements: [Element], open: String, close: String, to output: inout String, indent: Int?,
    level: Int, _ write: (Element, inout String) -> Void
  ) {
    let newline = { (level: Int) in
      indent.map { "\n" + String(repeating: " ", count: $0 * level) } ?? ""
    }
    output += open
    for (position, element) in elements.enumerated() {
      if position > 0 { output += indent == nil ? ", " : "," }
      output += newline(level + 1)
      write(element, &output)
    }
    if !elements.isEmpty { output += newline(level) }
    output += close
  }

  private static func write(_ string: String, to output: inout String) {
    output += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": output += "\\\""
      case "\\": output += "\\\\"
      case "\n": output += "\\n"
      case "\r": output += "\\r"
      case "\t": output += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: output.unicodeScalars.append(scalar)
      }
    }
    output += "\""
  }
}
