internal import Checkpoints
internal import DistTrain
internal import Foundation
internal import Model

/// Small inputs of every kind, from which the fuzzer starts; the first byte chooses the reader.
package enum FuzzSeeds {
  package static func inputs(_ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
    switch target {
    case .safetensors: try safetensors()
    case .tokenizer: tokenizers
    case .encoder: try encoders()
    case .configuration: configurations
    case .dataset: datasets
    case .checkpoint: try checkpoints()
    }
  }

  /// Writes every input of a target as a file of its own.
  package static func write(_ target: FuzzTarget, to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for input in try inputs(target) {
      try Data(input.bytes).write(to: URL(filePath: "\(folder)/seed-\(input.name)"))
    }
  }

  static func seed(_ name: String, _ choice: UInt8, _ bytes: [UInt8]) -> (String, [UInt8]) {
    (name, [choice] + bytes)
  }

  static func seed(_ name: String, _ choice: UInt8, _ text: String) -> (String, [UInt8]) {
    seed(name, choice, Array(text.utf8))
  }

  // MARK: Weights

  private static func safetensors() throws -> [(String, [UInt8])] {
    let folder = try ScratchFolder()
    try folder.write(modelConfiguration, to: "config.json")
    let layout = AdapterLayout(
      try QwenConfiguration(modelFolder: folder.path), SafetensorsReading.smallLoRA)
    let adapter = AdapterFolder.files(
      (0..<layout.count).map { Float($0) - 5 }, layout, baseModel: "base")
    let two = SafetensorsWriter.bytes([
      .init(name: "a", shape: [2, 3], values: [1, -2, .infinity, .nan, 0, -0.0]),
      .init(name: "scalar", shape: [], values: [5]), .init(name: "zero", shape: [0], values: []),
    ])
    return [
      seed("file", 0, two), seed("half", 0, halfPrecision),
      seed("index", 1, #"{"weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}"#),
      seed("adapter-config", 2, adapter[0].bytes), seed("adapter", 3, adapter[1].bytes),
    ]
  }

  private static let halfPrecision: [UInt8] = {
    let header =
      #"{"__metadata__":{"format":"pt"},"h":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]},"#
      + #""b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]}}"#
    return [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + header.utf8 + [0, 60, 1, 124, 128, 63]
  }()

  static let modelConfiguration = """
    {"model_type": "qwen3", "hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 1,
     "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 2, "vocab_size": 8,
     "rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "tie_word_embeddings": true,
     "hidden_act": "silu", "use_sliding_window": false, "attention_bias": false,
     "rope_scaling": null, "layer_types": ["full_attention"]}
    """

  // MARK: Texts

  static let qwenStages =
    #"{"type": "Split", "pattern": {"Regex": \#(JSONValue.string(qwenPattern).text())},"#
    + #" "behavior": "Isolated", "invert": false}, {"type": "ByteLevel","#
    + #" "add_prefix_space": false, "use_regex": false}"#
  static let gpt2Stages =
    #"{"type": "Digits", "individual_digits": true}, {"type": "ByteLevel","#
    + #" "add_prefix_space": false, "use_regex": true}"#
  private static let qwenPattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// A tokenizer.json with a token for each byte, a few merges and an added token.
  static func tokenizer(_ stages: String) -> String {
    // GPT-2's stand-ins: printable bytes stand for themselves, the others for scalars from U+0100 on.
    let printable = Array(0x21...0x7E) + Array(0xA1...0xAC) + Array(0xAE...0xFF)
    var tokens = (printable + Array(256..<256 + 256 - printable.count)).compactMap {
      Unicode.Scalar($0).map(String.init)
    }
    tokens += ["ab", "\u{120}a", "\u{120}ab", "\u{10A}\u{10A}"]
    var vocabulary = JSONObject()
    for (id, token) in tokens.enumerated() { vocabulary[token] = .integer(id) }
    return """
      {"added_tokens": [{"id": 300, "content": "<|im_start|>", "special": true}],
       "normalizer": null, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [\(stages)]},
       "post_processor": null, "decoder": {"type": "ByteLevel"},
       "model": {"type": "BPE", "vocab": \(JSONValue.object(vocabulary).text()),
       "merges": [["a", "b"], ["\u{120}", "a"], ["\u{120}a", "b"], ["\u{10A}", "\u{10A}"]]}}
      """
  }

  private static let tokenizers = [
    seed(
      "small", 0,
      #"""
      {"added_tokens": [{"id": 3, "content": "<x>", "lstrip": true, "single_word": true},
       {"id": 4, "content": "e\u0301", "normalized": true, "rstrip": true, "special": false}],
       "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]},
       "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits",
       "individual_digits": false}, {"type": "ByteLevel", "add_prefix_space": true}]},
       "post_processor": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}]},
       "decoder": {"type": "ByteLevel"},
       "model": {"type": "BPE", "dropout": null, "unk_token": "a", "fuse_unk": true,
       "byte_fallback": false, "ignore_merges": true, "vocab": {"a": 0, "b": 1, "ab": 2},
       "merges": ["#version: 0.2", "a b", ["a", "b"]]}}
      """#),
    seed("text", 1, "it's 12\n\n  ab abc \u{E9}\u{1F600}<|im_start|>"),
    seed("digits", 2, "it's 12\n\n  ab 345\u{301}"),
    seed(
      "jinja", 3,
      "{{ '<|im_start|>system\\nBe \"good\".<|im_end|>\\n' }}<|im_start|>{{ role }}<think>"),
    seed(
      "template", 4,
      #"{"chat_template": [{"name": "default", "template": "<|im_start|>user<|im_end|>"}]}"#),
  ]

  private static let configurations = [
    seed("model", 0, modelConfiguration),
    seed(
      "recipe", 1,
      """
      # A recipe
      model_name_or_path: models/a
      dataset_path: "data/\\u00e9.json"
      output_dir: 'runs/a b'
      lora_target_modules: [q_proj, v_proj]
      num_train_epochs: 1.5
      warmup_ratio: 0.1
      resume_from_checkpoint: ~
      lora_r: &n 8
      logging_steps: *n
      """), seed("wrong-anchor", 1, "? &a [[1], *a]\n: {b: *a, <<: *a}\n"),
    seed(
      "command", 2,
      "--model-name-or-path\u{0}m\u{0}dataset_path=d\u{0}--output_dir=o\u{0}--shuffle\u{0}no"
        + "\u{0}max_steps=3\u{0}lora_target_modules=q_proj, v_proj"),
    seed("json", 3, #"{"a": [1, -2.5e3, true, null, "\u00e9\ud83d\ude00\n"], "b": {"": {}}}"#),
  ]

  private static let datasets = [
    seed(
      "questions", 0,
      #"""
      [{"query": "What is warm?", "query_type": {"Specific": 1, "Subjective": 0},
        "options": {"x1": "soup", "x2": "ice"}, "answer": "x1",
        "correctness_explanation": {"warm": "soup is", "What": ["a", "b"]}},
       {"query": "And cold?", "query_type": {}, "options": {"x1": "soup", "x2": "ice"},
        "answer": "x2"}]
      """#),
    seed("wrong-lines", 0, "{\"query\": \"a\"}\n{\"query\": \"b\"}\n"),
    seed(
      "split", 1,
      #"""
      {"test_indices": [0, 3], "val_indices": [1], "train_indices": [2, 4, 5],
       "test_size": 2, "val_size": 1, "train_size": 3}
      """#), seed("rest", 2, #"{"test_indices": [9], "val_indices": null}"#),
  ]

  // MARK: Checkpoints

  private static func checkpoints() throws -> [(String, [UInt8])] {
    let tensors = [
      CheckpointTensor(name: "layers.0.q_proj.lora_B", rows: 3, columns: 1),
      CheckpointTensor(name: "layers.0.q_proj.lora_A", rows: 1, columns: 2),
    ]
    let checkpoint = Checkpoint(
      tensors: tensors, parameters: [1, 2, 3, 4, 5], firstMoment: [0, 0, 1, 0, 0],
      secondMoment: [0, 1, 0, 0, 2], step: 1, epoch: 0, windowInEpoch: 1, totalSteps: 9, seed: 4,
      tokensSeen: 77, configuration: "{}", provenance: "{}", history: ["{}"], state: "{}")
    let bytes = try checkpoint.sealedBytes()
    return [
      seed("file", 0, bytes), seed("image", 1, Array(bytes.dropFirst(CheckpointSeal.byteCount))),
    ]
  }
}
