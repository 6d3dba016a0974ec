import Foundation
import Model
import TestSupport
import Testing

/// What the golden tests themselves must not let through.
struct GoldenCaseTests {
  struct Damage: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let apply: @Sendable (_ folder: String) throws -> Void

    init(_ description: String, _ apply: @escaping @Sendable (String) throws -> Void) {
      testDescription = description
      self.apply = apply
    }

    static func removing(_ name: String) -> Damage {
      Damage("without \(name)") { try FileManager.default.removeItem(atPath: $0 + "/" + name) }
    }

    /// Changes one key of cases.json; nil removes it.
    static func setting(_ key: String, _ value: JSONValue?) -> Damage {
      Damage("cases.json: \(key) is \(value?.text() ?? "absent")") { folder in
        let old = try GoldenCase.json(folder + "/cases.json").objectValue ?? JSONObject()
        var new = JSONObject()
        for (name, content) in zip(old.keys, old.values) where name != key { new[name] = content }
        new[key] = value
        try Data(JSONValue.object(new).text().utf8).write(
          to: URL(filePath: folder + "/cases.json"))
      }
    }

    static func expectations(
      _ name: String, _ change: @escaping @Sendable (inout [SafetensorsImage.Tensor]) -> Void
    ) -> Damage {
      Damage("expected.safetensors: \(name)") { folder in
        let path = folder + "/expected.safetensors"
        var tensors = try SafetensorsImage(path: path).tensors()
        change(&tensors)
        try SafetensorsImage(tensors).write(to: path)
      }
    }
  }

  static let damages: [Damage] = [
    .removing("model"), .removing("model/config.json"), .removing("model/model.safetensors"),
    .removing("adapter"), .removing("adapter/adapter_model.safetensors"),
    .removing("adapter/adapter_config.json"), .removing("expected.safetensors"),
    .removing("cases.json"),
    Damage("cases.json is cut off") { folder in
      let path = URL(filePath: folder + "/cases.json")
      try Data(contentsOf: path).dropLast(9).write(to: path)
    },
    .setting("sequences", nil), .setting("sequences", .array([])),
    .setting("prompt_lengths", nil), .setting("prompt_lengths", .array([.integer(2)])),
    .setting("prompt_lengths", .array([.integer(0), .integer(1), .integer(1)])),
    .setting("sequences", .array((0..<3).map { _ in .array([.integer(1), .integer(1 << 30)]) })),
    .setting("r", .integer(77)), .setting("lora_alpha", nil),
    .expectations("a gradient is absent") { $0.removeAll { $0.name.hasPrefix("grad.") } },
    .expectations("one logits tensor is absent") { $0.removeAll { $0.name == "logits.1" } },
    .expectations("a tensor nobody compares") {
      $0.append(.init("logits.9", "F32", [1], [0, 0, 0, 0]))
    },
  ]

  private func copy() throws -> (owner: TemporaryFolder, golden: GoldenCase) {
    let owner = try TemporaryFolder()
    let folder = owner.path + "/case"
    try FileManager.default.copyItem(
      atPath: GoldenCase.fixtures("golden") + "/qwen3-bfloat16", toPath: folder)
    return (owner, try #require(GoldenCase.all(in: owner.path).first))
  }

  @Test func `Golden copies of a sound case are sound`() throws {
    let (owner, golden) = try copy()
    #expect(throws: Never.self) { _ = try GoldenRun(golden) }
    withExtendedLifetime(owner) {}
  }

  @Test(arguments: damages)
  func `Golden cases that lack a part are refused, not skipped`(damage: Damage) throws {
    let (owner, golden) = try copy()
    try damage.apply(golden.folder)
    #expect(golden.encoderFamily == nil)
    #expect(GoldenCase.all(in: owner.path).map(\.name) == ["case"])
    #expect(throws: (any Error).self) { _ = try GoldenRun(golden) }
  }

  @Test func `Golden roots without a case have none, and encoders are told from decoders`() throws {
    #expect(GoldenCase.all(in: "/no/such/folder").isEmpty)
    let (owner, golden) = try copy()
    #expect(GoldenCase.all(in: golden.folder + "/model").isEmpty)
    try Data(#"{"model_type": "roberta"}"#.utf8).write(
      to: URL(filePath: golden.folder + "/model/config.json"))
    #expect(golden.encoderFamily == "roberta")
    withExtendedLifetime(owner) {}
  }
}
