internal import Model

extension FuzzSeeds {
  static let encoderConfiguration = """
    {"model_type": "bert", "vocab_size": 7, "hidden_size": 4, "intermediate_size": 6,
     "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 5,
     "type_vocab_size": 2, "layer_norm_eps": 1e-5, "hidden_act": "gelu", "pad_token_id": 0,
     "initializer_range": 0.02, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0}
    """

  /// Special tokens, a few letters and what continues words.
  private static let words = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##b", "##a", "12", "?", "\u{4E00}",
  ]

  /// A tokenizer.json of BERT's kind.
  static var wordPieces: String {
    var vocabulary = JSONObject()
    for (id, word) in words.enumerated() { vocabulary[word] = .integer(id) }
    return """
      {"added_tokens": [{"id": 2, "content": "[CLS]", "special": true},
        {"id": 3, "content": "[SEP]", "special": true},
        {"id": 4, "content": "[MASK]", "special": true}],
       "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
        "strip_accents": null, "lowercase": true},
       "pre_tokenizer": {"type": "BertPreTokenizer"},
       "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
       "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
       "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "vocab": \(JSONValue.object(vocabulary).text())}}
      """
  }

  /// A tokenizer.json of RoBERTa's kind; one token stands for both ends.
  static var robertaTokenizer: String {
    let end = #"["<|im_start|>", 300]"#
    let stage = #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"#
    return tokenizer(stage).replacing(
      #""post_processor": null"#,
      with: #""post_processor": {"type": "RobertaProcessing", "sep": \#(end), "cls": \#(end),"#
        + #" "trim_offsets": true, "add_prefix_space": false}"#)
  }

  static func encoders() throws -> [(String, [UInt8])] {
    let folder = try ScratchFolder()
    try folder.write(encoderConfiguration, to: "config.json")
    let layout = EncoderModel(try EncoderConfiguration(modelFolder: folder.path)).layout
    let tensors = layout.tensors.map {
      SafetensorsWriter.Tensor(
        name: $0.name, shape: $0.shape, values: (0..<$0.count).map { Float($0 % 7) - 3 })
    }
    return [
      seed("vocabulary", 0, words.joined(separator: "\n") + "\n"),
      seed("word-pieces", 1, wordPieces), seed("roberta", 1, robertaTokenizer),
      seed("text", 2, "Ab a\u{301}12?? [MASK] \u{4E00}\u{1F600}"),
      seed("bytes", 3, "it's 12\n\n  ab \u{E9}<|im_start|>"),
      seed("model", 4, encoderConfiguration), seed("weights", 5, SafetensorsWriter.bytes(tensors)),
    ]
  }
}
