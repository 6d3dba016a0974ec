import Foundation
import Model
import TestSupport
import Testing

struct MergedWeightsTests {
  @Test(arguments: ["qwen2", "qwen3"])
  func `a merged model computes what base and adapter do`(type: String) throws {
    let tiny = try TinyQwen(type: type)
    let lora = LoRAConfiguration(
      rank: 3, alpha: 5, dropout: 0, targets: [.query, .value, .output, .gate, .down])
    let layout = AdapterLayout(tiny.configuration, lora)
    let adapter = randomValues(layout.count, seed: 3).map { 0.3 * $0 }
    let folder = try TemporaryFolder()
    try MergedWeights(WeightFolder(path: tiny.folder), layout, parameters: adapter)
      .write(to: folder.path)
    try FileManager.default.copyItem(
      atPath: tiny.folder + "/config.json", toPath: folder.path + "/config.json")
    let merged = try WeightLoader.load(
      WeightFolder(path: folder.path), tiny.configuration, layout: nil, longestSequence: 20)
    var batch = MicroBatch()
    batch.append((0..<20).map { Int32($0 * 4) }, targetsFrom: 1)
    func logits(_ model: QwenModel, _ adapter: [Float]) -> [Float] {
      let activations = ActivationBuffer(
        ActivationPlan(fitting: [batch], keepsForBackward: false), for: model)
      return model.logits(batch, adapter: FloatBuffer(adapter), activations)
    }
    let expected = logits(try tiny.model(layout, longestSequence: 20), adapter)
    let base = logits(
      try tiny.model(layout, longestSequence: 20), [Float](repeating: 0, count: layout.count))
    #expect(relativeError(logits(merged, []), expected) < 1e-5)
    #expect(relativeError(base, expected) > 1e-2, "the adapter changes nothing")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(names.sorted() == ["config.json", "model.safetensors"])
  }

  @Test(arguments: [ElementType.float16, .bfloat16])
  func `weights of half the size are rounded to the nearest, and an empty adapter changes no byte`(
    type: ElementType
  ) throws {
    let values: [Float] = [1, 1.00390625, 1.01171875, -0.3333, 65504, 1e-6, 0, -2.5]
    let folder = try TemporaryFolder()
    let image = SafetensorsImage([
      .init(
        "model.layers.0.self_attn.q_proj.weight", type.rawValue, [2, 4], values.encoded(as: type))
    ])
    try image.write(to: folder.path + "/model.safetensors")
    let tiny = try TinyQwen(hidden: 4, layers: 1, heads: 1, kvHeads: 1, headSize: 2)
    let layout = AdapterLayout(
      tiny.configuration, LoRAConfiguration(rank: 1, alpha: 1, dropout: 0, targets: [.query]))
    let target = try TemporaryFolder()
    let empty = [Float](repeating: 0, count: layout.count)
    try MergedWeights(WeightFolder(path: folder.path), layout, parameters: empty)
      .write(to: target.path)
    let (before, after) = (folder.path + "/model.safetensors", target.path + "/model.safetensors")
    #expect(
      try Data(contentsOf: URL(filePath: before)) == Data(contentsOf: URL(filePath: after)))
    var one = empty
    let pair = try #require(layout.pair(layer: 0, .query))
    for index in pair.a.range { one[index] = 0x1p-9 }
    for index in pair.b.range { one[index] = 1 }
    try FileManager.default.removeItem(atPath: after)
    try MergedWeights(WeightFolder(path: folder.path), layout, parameters: one)
      .write(to: target.path)
    let merged = try #require(
      SafetensorsFile(path: after).floats("model.layers.0.self_attn.q_proj.weight"))
    let stored = try #require(
      SafetensorsFile(path: before).floats("model.layers.0.self_attn.q_proj.weight"))
    for (old, new) in zip(stored, merged) {
      let exact = Double(old) + 0x1p-9
      let step = type == .float16 ? 0x1p-11 : 0x1p-8
      #expect(abs(Double(new) - exact) <= abs(exact) * step * 1.0001, "\(old) became \(new)")
    }
  }
}
