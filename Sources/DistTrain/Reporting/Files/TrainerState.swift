package import Model

extension JSONValue {
  /// This value with the members of every object in the order of their names, as transformers writes its state.
  package var withSortedKeys: JSONValue {
    switch self {
    case .array(let values): return .array(values.map(\.withSortedKeys))
    case .object(let object):
      var sorted = JSONObject()
      for (key, value) in zip(object.keys, object.values).sorted(by: { $0.0 < $1.0 }) {
        sorted[key] = value.withSortedKeys
      }
      return .object(sorted)
    default: return self
    }
  }
}
