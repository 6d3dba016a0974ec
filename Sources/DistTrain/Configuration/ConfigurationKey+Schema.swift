package import Model

extension ConfigurationKey {
  /// A JSON Schema (draft 2020-12) of recipes, for editors and checks.
  package static var schema: JSONValue {
    var properties = JSONObject()
    for key in all {
      properties[key.name] = .object(key.property)
      if let share = key.shareName {
        properties[share] = .object([
          "description": .string("\(key.name) as a share of all steps"), "type": .string("number"),
          "minimum": .integer(0), "exclusiveMaximum": .integer(1),
        ])
      }
    }
    return .object([
      "$schema": .string("https://json-schema.org/draft/2020-12/schema"),
      "title": .string("disttrain recipe"), "type": .string("object"),
      "additionalProperties": .bool(false), "properties": .object(properties),
      "required": .array(all.filter { $0.fallback == nil }.map { .string($0.name) }),
    ])
  }

  private var property: JSONObject {
    var property: JSONObject = ["description": .string(help)]
    switch kind {
    case .text: property["type"] = .string("string")
    case .optionalText:
      property["type"] = .array(["string", "boolean", "null"].map(JSONValue.string))
    case .integer(let range):
      property["type"] = .string("integer")
      property["minimum"] = .integer(range.lowerBound)
      if range.upperBound < Int.max { property["maximum"] = .integer(range.upperBound) }
    case .number(let range):
      property["type"] = .string("number")
      property["minimum"] = .double(range.lowerBound)
      property["maximum"] = .double(range.upperBound)
    case .flag: property["type"] = .string("boolean")
    case .choice(let choices): property["enum"] = .array(choices.map(JSONValue.string))
    case .list:
      property["type"] = .array(["string", "array"].map(JSONValue.string))
      property["items"] = .object(["type": .string("string")])
    }
    property["default"] = fallback.map(typed)
    return property
  }

  /// The default as a value of the key's type.
  private func typed(_ text: String) -> JSONValue {
    switch kind {
    case .text, .optionalText, .choice, .list: .string(text)
    case .integer: Int(text).map(JSONValue.integer) ?? .string(text)
    case .number: Self.number(text).map(JSONValue.double) ?? .string(text)
    case .flag: Self.flag(text).map(JSONValue.bool) ?? .string(text)
    }
  }
}
