/// A tokenizer.json of single bytes and of the five answer letters, for synthetic models and small tests.
package enum ByteTokenizer {
  private static let letters = ["A", "B", "C", "D", "E"]

  /// GPT-2's pre-tokenizer over bytes; a letter after a space is one token, as it is in real vocabularies.
  package static var json: JSONValue {
    .object([
      "version": .string("1.0"), "added_tokens": .array([]), "normalizer": .null,
      "pre_tokenizer": .object([
        "type": .string("ByteLevel"), "add_prefix_space": .bool(false), "use_regex": .bool(true),
      ]),
      "post_processor": .null, "decoder": .object(["type": .string("ByteLevel")]),
      "model": .object([
        "type": .string("BPE"), "vocab": .object(vocabulary),
        "merges": .array(letters.map { .string("\u{120} \($0)") }),
      ]),
    ])
  }

  /// Bytes that print as themselves keep their character; the others follow from U+0100 on.
  private static var vocabulary: JSONObject {
    var vocabulary = JSONObject()
    var next: UInt32 = 256
    for byte in UInt32(0)..<256 {
      let isPrintable =
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
      if let scalar = Unicode.Scalar(isPrintable ? byte : next) {
        vocabulary[String(scalar)] = .integer(Int(byte))
      }
      if !isPrintable { next += 1 }
    }
    for (index, letter) in letters.enumerated() {
      vocabulary["\u{120}" + letter] = .integer(256 + index)
    }
    return vocabulary
  }
}
