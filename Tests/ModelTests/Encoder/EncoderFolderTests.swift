import Foundation
import Model
import TestSupport
import Testing

/// Folders of encoders: what is read, what begins at random, and what is refused.
struct EncoderFolderTests {
  private static let fixture = GoldenCase.fixtures("golden") + "/bert-old-names/model"

  /// A copy of the fixture whose tensors, and whose config.json's text, are changed.
  private func folder(
    tensors change: (inout [SafetensorsImage.Tensor]) -> Void = { _ in },
    config: (String) -> String = { $0 }
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    var tensors = try SafetensorsImage(path: Self.fixture + "/model.safetensors").tensors()
    change(&tensors)
    try SafetensorsImage(tensors).write(to: folder.path + "/model.safetensors")
    try folder.write(
      config(String(contentsOfFile: Self.fixture + "/config.json", encoding: .utf8)),
      to: "config.json")
    return folder
  }

  private func parameters(_ folder: TemporaryFolder, seed: UInt64 = 1) throws -> [Float] {
    let model = EncoderModel(try EncoderConfiguration(modelFolder: folder.path))
    return try model.parameters(folder: folder.path, seed: seed).array()
  }

  private func refusal(_ folder: TemporaryFolder) throws -> String {
    let error = #expect(throws: ModelError.self) { _ = try parameters(folder) }
    return error?.description ?? ""
  }

  @Test func `names with the family's prefix are the same as names without`() throws {
    let prefixed = try folder { tensors in
      for index in tensors.indices where !tensors[index].name.hasPrefix("classifier") {
        tensors[index].name = "bert." + tensors[index].name
      }
    }
    #expect(try parameters(prefixed) == parameters(folder()))
  }

  @Test func `a pooler and a classifier that are missing begin at random, by the seed`() throws {
    let bare = try folder {
      $0.removeAll { $0.name.contains("pooler") || $0.name.contains("classif") }
    }
    let layout = EncoderModel(try EncoderConfiguration(modelFolder: bare.path)).layout
    let (one, other) = (try parameters(bare), try parameters(bare, seed: 2))
    #expect(try one == parameters(bare))
    for tensor in layout.tensors {
      let (values, others) = (one[tensor.range], other[tensor.range])
      let isFresh = tensor.name.contains("pooler") || tensor.name.contains("classif")
      #expect((values == others) == !(isFresh && tensor.decays), "\(tensor.name)")
      if isFresh && !tensor.decays { #expect(values.allSatisfy { $0 == 0 }) }
    }
    let pooler = try #require(layout.tensors.first { $0.name == "bert.pooler.dense.weight" })
    let values = one[pooler.range].map(Double.init)
    let deviation = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
    #expect(abs(deviation / 0.02 - 1) < 0.15)
    #expect(abs(values.reduce(0, +) / Double(values.count)) < 0.004)
    // What is fresh doesn't depend on what else is.
    let classifierAlone = try parameters(folder { $0.removeAll { $0.name.contains("classif") } })
    let classifier = try #require(layout.tensors.first { $0.name == "classifier.weight" })
    #expect(classifierAlone[classifier.range] == one[classifier.range])
  }

  @Test func `heads of other tasks are left out`() throws {
    let more = try folder {
      $0.append(.init("cls.predictions.bias", "F32", [1], [0, 0, 0, 0]))
    }
    #expect(try parameters(more) == parameters(folder()))
  }

  @Test func `tensors that are missing, too many or of another shape are named`() throws {
    let name = "encoder.layer.1.intermediate.dense.weight"
    #expect(try refusal(folder { $0.removeAll { $0.name == name } }).contains(name))
    #expect(
      try refusal(folder { $0.removeAll { $0.name == "pooler.dense.bias" } }).contains("pooler"))
    let extra = "encoder.layer.2.output.dense.bias"
    #expect(
      try refusal(folder { $0.append(.init(extra, "F32", [1], [0, 0, 0, 0])) }).contains(extra))
    #expect(
      try refusal(
        folder {
          $0.removeAll { $0.name == "classifier.weight" }
          $0.append(.init("classifier.weight", "F32", [2], [UInt8](repeating: 0, count: 8)))
        }
      ).contains("classifier.weight"))
  }

  @Test(arguments: [
    ("\"gelu\"", "\"gelu_new\"", "hidden_act"), ("\"bert\"", "\"albert\"", "model_type"),
    ("\"hidden_size\": 24", "\"hidden_size\": 25", "hidden_size"),
    ("\"pad_token_id\": 0", "\"pad_token_id\": 900", "pad_token_id"),
    ("\"is_decoder\": false", "\"is_decoder\": true", "is_decoder"),
    ("\"hidden_dropout_prob\": 0.0", "\"hidden_dropout_prob\": 1.0", "hidden_dropout_prob"),
    ("\"layer_norm_eps\": 1e-12", "\"layer_norm_eps\": -1", "layer_norm_eps"),
    ("{", "{\"position_embedding_type\": \"relative_key\",", "position_embedding_type"),
  ])
  func `a config.json that is not computed is refused by its key`(
    old: String, new: String, key: String
  ) throws {
    let changed = try folder(config: { text in
      guard let range = text.range(of: old) else { return "" }
      return text.replacingCharacters(in: range, with: new)
    })
    let error = #expect(throws: ModelError.self) {
      _ = try EncoderConfiguration(modelFolder: changed.path)
    }
    #expect(error?.description.contains(key) == true, "\(error?.description ?? "")")
  }

  @Test func `the shares of dropout follow each family's names`() throws {
    func configuration(_ text: String) throws -> EncoderConfiguration {
      let folder = try TemporaryFolder()
      try folder.write(text, to: "config.json")
      return try EncoderConfiguration(modelFolder: folder.path)
    }
    let sizes = #""hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1"#
    let bert = try configuration(
      #"""
      {"model_type": "bert", "vocab_size": 9, \#(sizes), "num_attention_heads": 2,
       "hidden_dropout_prob": 0.25, "classifier_dropout": null}
      """#)
    #expect(bert.headDropout == 0.25 && bert.hiddenDropout == 0.25 && bert.attentionDropout == 0.1)
    #expect(bert.longestSequence == 512 && bert.typeCount == 2)
    let distilled = try configuration(
      #"""
      {"model_type": "distilbert", "vocab_size": 9, "dim": 8, "hidden_dim": 8, "n_layers": 1,
       "n_heads": 2, "dropout": 0.3, "attention_dropout": 0.15}
      """#)
    #expect(distilled.hiddenDropout == 0.3 && distilled.attentionDropout == 0.15)
    #expect(distilled.headDropout == 0.2 && distilled.typeCount == 0)
    let roberta = try configuration(
      #"""
      {"model_type": "roberta", "vocab_size": 9, \#(sizes), "num_attention_heads": 2,
       "classifier_dropout": 0.4, "max_position_embeddings": 514, "pad_token_id": 1}
      """#)
    #expect(roberta.headDropout == 0.4 && roberta.firstPosition == 2)
    #expect(roberta.longestSequence == 512 && roberta.typeCount == 1)
  }
}
