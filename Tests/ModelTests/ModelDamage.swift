import Foundation
import Model
import TestSupport
import Testing

/// One way in which a folder can be wrong, and what must be said about it.
struct ModelDamage: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let code: ModelError.Code
  /// Part of the sentence.
  let fragment: String
  let apply: @Sendable (_ folder: String) throws -> Void

  init(
    _ description: String, _ code: ModelError.Code, _ fragment: String,
    _ apply: @escaping @Sendable (_ folder: String) throws -> Void
  ) {
    testDescription = description
    self.code = code
    self.fragment = fragment
    self.apply = apply
  }

  /// A file that is replaced by what `change` makes of its bytes.
  static func file(
    _ name: String, _ description: String, _ code: ModelError.Code, _ fragment: String,
    _ change: @escaping @Sendable (inout [UInt8]) -> Void
  ) -> ModelDamage {
    ModelDamage("\(name) \(description)", code, fragment) { folder in
      let url = URL(filePath: folder + "/" + name)
      var bytes = try Array(Data(contentsOf: url))
      change(&bytes)
      try Data(bytes).write(to: url)
    }
  }

  /// A JSON file in which `key` is set, or removed where `value` is nil.
  static func setting(
    _ key: String, _ value: JSONValue?, in name: String, _ code: ModelError.Code, _ fragment: String
  ) -> ModelDamage {
    ModelDamage("\(key): \(value?.text() ?? "absent")", code, fragment) { folder in
      let old = try GoldenCase.json(folder + "/" + name).objectValue ?? JSONObject()
      var new = JSONObject()
      for (other, content) in zip(old.keys, old.values) where other != key { new[other] = content }
      new[key] = value
      try Data(JSONValue.object(new).text().utf8).write(to: URL(filePath: folder + "/" + name))
    }
  }

  /// A safetensors file whose parts are changed.
  static func image(
    _ name: String, _ description: String, _ code: ModelError.Code, _ fragment: String,
    _ change: @escaping @Sendable (inout SafetensorsImage) throws -> Void
  ) -> ModelDamage {
    ModelDamage("\(name) \(description)", code, fragment) { folder in
      var image = try SafetensorsImage(path: folder + "/" + name)
      try change(&image)
      try image.write(to: folder + "/" + name)
    }
  }

  /// A safetensors file that is well-formed, with other tensors.
  static func tensors(
    _ name: String, _ description: String, _ code: ModelError.Code, _ fragment: String,
    _ change: @escaping @Sendable (inout [SafetensorsImage.Tensor]) throws -> Void
  ) -> ModelDamage {
    image(name, description, code, fragment) { image in
      var tensors = try image.tensors()
      try change(&tensors)
      image = SafetensorsImage(tensors)
    }
  }

  /// What can be wrong with any file: it is not there, empty, a folder, a pipe that nobody writes to, a device without
  /// an end, a terabyte without content, or a link to nothing.
  static func kinds(of name: String, missing fragment: String) -> [ModelDamage] {
    let remove = { @Sendable (folder: String) throws in
      try FileManager.default.removeItem(atPath: folder + "/" + name)
    }
    return [
      ModelDamage("\(name) is missing", .missing, fragment, remove),
      .file(name, "is empty", .invalid, "is empty") { $0 = [] },
      ModelDamage("\(name) is a folder", .invalid, "not a regular file") { folder in
        try remove(folder)
        try FileManager.default.createDirectory(
          atPath: folder + "/" + name, withIntermediateDirectories: false)
      },
      ModelDamage("\(name) is a pipe", .invalid, "not a regular file") { folder in
        try remove(folder)
        try #require(unsafe mkfifo(folder + "/" + name, 0o600) == 0)
      },
      ModelDamage("\(name) is a device", .invalid, "not a regular file") { folder in
        try remove(folder)
        try FileManager.default.createSymbolicLink(
          atPath: folder + "/" + name, withDestinationPath: "/dev/zero")
      },
      ModelDamage("\(name) is a terabyte long", .invalid, "more than") { folder in
        try #require(unsafe truncate(folder + "/" + name, 1 << 40) == 0)
      },
      ModelDamage("\(name) is a link to nothing", .missing, fragment) { folder in
        try remove(folder)
        try FileManager.default.createSymbolicLink(
          atPath: folder + "/" + name, withDestinationPath: "nothing")
      },
    ]
  }

  /// Damages `folder` and checks the error that `open` throws.
  func check(_ folder: String, open: (String) throws -> Void) throws {
    try apply(folder)
    let error = #expect(throws: ModelError.self) { try open(folder) }
    guard let error else { return }
    #expect(error.code == code, "\(error)")
    #expect(error.description.contains(fragment), "\(error)")
    #expect(error.description.contains(folder), "the sentence must name the file: \(error)")
  }
}

extension SafetensorsImage {
  /// Replaces `old`, which the header holds once or more, by `new`.
  mutating func edit(_ old: String, _ new: String) throws {
    let text = String(decoding: header, as: UTF8.self)
    try #require(text.contains(old), "the header lacks \(old)")
    setHeader(Array(text.replacing(old, with: new).utf8))
  }
}
