/// The tokens that end a generated text.
package enum StopTokens {
  /// `eos_token_id`, a number or a list, of `generation_config.json` in a model folder, else of its `config.json`.
  ///
  /// Throws `ModelError` for a file that is no JSON, or another kind of value.
  package static func read(modelFolder: String) throws(ModelError) -> Set<Int32> {
    for name in ["generation_config.json", "config.json"] {
      let path = modelFolder + "/" + name
      let json: JSONValue
      do { json = try JSONParser.parse(modelFile: path) } catch {
        guard error.code == .missing, name != "config.json" else { throw error }
        continue
      }
      guard let value = json["eos_token_id"], value != .null else { continue }
      let numbers = (value.arrayValue ?? [value]).map { $0.intValue.flatMap(Int32.init(exactly:)) }
      guard !numbers.contains(nil) else {
        throw ModelError(
          .invalid, "\(path): eos_token_id is \(value.kind); expected a token or a list of them")
      }
      return Set(numbers.compactMap { $0 })
    }
    return []
  }
}
