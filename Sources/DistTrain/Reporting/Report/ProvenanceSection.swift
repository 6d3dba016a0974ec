internal import Model

/// What is needed to judge a run, or to repeat it.
struct ProvenanceSection {
  let run: RunRecord

  var markup: Markup {
    let sections = [
      Self.list("Settings that are not the default", settings),
      Self.list("Program and machine", Self.environment(run)),
    ].joined()
    return sections.isEmpty
      ? "" : "<section><h2>Provenance</h2>\n<div class=\"lists\">\(sections)</div></section>\n"
  }

  private var settings: [(name: String, value: String, note: String)] {
    run.settings.filter { !$0.isDefault && $0.name != "overwrite_output_dir" }.map {
      ($0.name, $0.value, $0.source)
    }
  }

  /// env.json and how the score was measured, flat.
  static func environment(_ run: RunRecord) -> [(name: String, value: String, note: String)] {
    var rows: [(name: String, value: String, note: String)] = []
    func add(_ name: String, _ json: JSONValue) {
      switch json {
      case .object(let object):
        for (key, value) in zip(object.keys, object.values) { add(key, value) }
      case .array(let values): rows.append((label(name), hosts(values), ""))
      case .string(let text): rows.append((label(name), text, ""))
      case .integer(let number) where name == "memory_bytes":
        rows.append(("memory", Console.fixed(Double(number) / 1_073_741_824, 1) + " GiB", ""))
      case .integer(let number): rows.append((label(name), Console.grouped(number), ""))
      case .null: break
      default: rows.append((label(name), json.text(), ""))
      }
    }
    if let object = run.environment.objectValue {
      for (key, value) in zip(object.keys, object.values) { add(key, value) }
    }
    if let steps = run.lastStep { rows.append(("steps", Console.grouped(steps), "")) }
    for part in run.score?.protocolParts ?? [] { rows.append((label(part.name), part.value, "")) }
    return rows
  }

  private static func label(_ name: String) -> String {
    name.replacing("_", with: " ").replacing("sha256", with: "SHA-256")
  }

  /// Names with how often each occurs.
  private static func hosts(_ values: [JSONValue]) -> String {
    var names: [(name: String, count: Int)] = []
    for name in values.map({ $0.stringValue ?? $0.text() }) {
      if let index = names.firstIndex(where: { $0.name == name }) {
        names[index].count += 1
      } else {
        names.append((name, 1))
      }
    }
    return names.map { $0.count == 1 ? $0.name : "\($0.name) × \($0.count)" }.joined(
      separator: ", ")
  }

  private static func list(
    _ title: String, _ rows: [(name: String, value: String, note: String)]
  ) -> Markup {
    guard !rows.isEmpty else { return "" }
    let items = rows.map { row -> Markup in
      let note: Markup = row.note.isEmpty ? "" : " <small>\(row.note)</small>"
      return "<div><dt>\(row.name)</dt><dd><bdi>\(row.value)</bdi>\(note)</dd></div>\n"
    }
    return "<div><h3>\(title)</h3><dl>\(items)</dl></div>\n"
  }
}
