import Glibc
import Model
import TestSupport
import Testing

struct SafetensorsFileTests {
  private static let name = "a.safetensors"
  /// Three tensors of 8, 4 and 12 bytes.
  private static let tensors: [SafetensorsImage.Tensor] = [
    .init("a", "F32", [2], [Float(1), -2].encoded(as: .float32)),
    .init("b", "F16", [2, 1], [Float(0.5), 3].encoded(as: .float16)),
    .init("c", "BF16", [1, 2, 3], [Float(1), 2, 3, -4, 5, 6].encoded(as: .bfloat16)),
  ]

  private static func cut(_ count: Int, _ fragment: String) -> ModelDamage {
    .file(name, "cut to \(count) bytes", .invalid, fragment) { $0 = Array($0[..<count]) }
  }
  private static func edit(
    _ old: String, _ new: String, _ fragment: String, _ code: ModelError.Code = .invalid
  ) -> ModelDamage {
    .image(name, "\(old) -> \(new)", code, fragment) {
      try $0.edit(old.replacing(",", with: ", ").replacing(":", with: ": "), new)
    }
  }
  private static func header(_ text: String, _ fragment: String) -> ModelDamage {
    .image(name, "header \(text)", .invalid, fragment) { $0.setHeader(Array(text.utf8)) }
  }
  private static func length(_ length: UInt64, _ fragment: String) -> ModelDamage {
    .image(name, "header length \(length)", .invalid, fragment) { $0.headerLength = length }
  }

  private static let lengths: [ModelDamage] = [
    cut(1, "too short"), cut(7, "too short"), cut(8, "does not fit the file"),
    cut(9, "does not fit the file"), cut(40, "does not fit the file"),
    .file(name, "cut at the header's end", .invalid, "truncated") { $0.removeLast(24) },
    .file(name, "cut inside the data", .invalid, "truncated") { $0.removeLast(13) },
    .file(name, "cut by one byte", .invalid, "truncated") { $0.removeLast() },
    .file(name, "with a byte more", .invalid, "1 bytes more") { $0.append(0) },
    .file(name, "twice", .invalid, "bytes more") { $0 += $0 },
    length(0, "not valid JSON"), length(1, "not valid JSON"), length(100_000_001, "does not fit"),
    length(1 << 40, "does not fit"), length(1 << 63, "does not fit"), length(.max, "does not fit"),
  ]
  private static let headers: [ModelDamage] = [
    header("", "not valid JSON"), header("   ", "not valid JSON"),
    header("{nope", "not valid JSON"),
    header("[]", "not an object"), header("null", "not an object"), header("{}", "24 bytes more"),
    header(String(repeating: "[", count: 5000), "not valid JSON"),
    header(#"{"__metadata__": []}"#, "__metadata__"),
    header(#"{"__metadata__": {"format": 1}}"#, "__metadata__"),
    header(#"{"a": 1}"#, "entry of tensor a"), header(#"{"a": {}}"#, "entry of tensor a"),
    .image(name, "header that is not UTF-8", .invalid, "not valid UTF-8") {
      $0.setHeader([0x7B, 0x22, 0xFF, 0x22, 0x7D])
    },
    .image(name, "header with a byte order mark", .invalid, "byte order mark") {
      $0.setHeader([0xEF, 0xBB, 0xBF] + $0.header)
    },
    .image(name, "header and more after it", .invalid, "more text") { image in
      image.setHeader(image.header + Array("{}".utf8))
    },
    edit(#""b":"#, #""a":"#, "stands twice"),
  ]
  private static let entries: [ModelDamage] = [
    edit("[0,8]", "[0,12]", "12 bytes, its shape needs 8"),
    edit("[8,12]", "[4,8]", "overlaps another one or leaves a gap"),
    edit("[8,12]", "[9,13]", "overlaps another one or leaves a gap"),
    edit("[8,12]", "[0,4]", "overlaps another one or leaves a gap"),
    edit("[12,24]", "[16,28]", "overlaps another one or leaves a gap"),
    edit("[12,24]", "[24,12]", "entry of tensor c"),
    edit("[12,24]", "[-12,0]", "entry of tensor c"),
    edit("[12,24]", "[12]", "entry of tensor c"),
    edit("[12,24]", "[12,24,24]", "entry of tensor c"),
    edit("[12,24]", "[12.0,24]", "entry of tensor c"), edit("[12,24]", "12", "entry of tensor c"),
    edit("[12,24]", "[9223372036854775795,9223372036854775807]", "tensor c"),
    edit("[12,24]", "[12,99999999999999999999]", "entry of tensor c"),
    edit("[12,24]", "[12,9007199254740993]", "9007199254740981 bytes, its shape needs 12"),
    edit("[12,24]", "[12,2.4e1]", "entry of tensor c"),
    edit("[12,24]", "[12,\"24\"]", "entry of tensor c"),
    edit("[12,24]", "[12,null]", "entry of tensor c"),
    edit("[12,24]", "[[12,24]]", "entry of tensor c"),
    edit("[1,2,3]", "[1,2,4]", "its shape needs 16"), edit("[1,2,3]", "[]", "its shape needs 2"),
    edit("[1,2,3]", "[-1,-2,3]", "shape of tensor c"),
    edit("[1,2,3]", "[6.0]", "shape of tensor c"),
    edit("[1,2,3]", "[\"6\"]", "shape of tensor c"), edit("[1,2,3]", "6", "entry of tensor c"),
    edit("[1,2,3]", "[4611686018427387904,4611686018427387904]", "shape of tensor c"),
    edit("[1,2,3]", "[9223372036854775807,2,0]", "shape of tensor c"),
    edit("[1,2,3]", "[0,9223372036854775807,9223372036854775807]", "its shape needs 0"),
    edit("[1,2,3]", "[4611686018427387904]", "shape of tensor c"),
    edit("[1,2,3]", "[[6]]", "shape of tensor c"),
    edit(#""BF16""#, #""I8""#, "type I8", .unsupported),
    edit(#""BF16""#, #""F64""#, "type F64", .unsupported),
    edit(#""BF16""#, #""F8_E4M3""#, "type F8_E4M3", .unsupported),
    edit(#""BF16""#, #""bf16""#, "type bf16", .unsupported),
    edit(#""BF16""#, "16", "entry of tensor c"), edit(#""dtype":"BF16","#, "", "entry of tensor c"),
    edit(#""dtype":"BF16","#, #""dtype":"BF16","dtype":"BF16","#, "stands twice"),
    edit(#""dtype":"BF16","#, #""dtype":"BF16","stride":1,"#, "entry of tensor c"),
  ]

  @Test(
    arguments: lengths + headers + entries + ModelDamage.kinds(of: name, missing: "cannot open"))
  func `damage is refused with its reason`(damage: ModelDamage) throws {
    let folder = try TemporaryFolder()
    try SafetensorsImage(Self.tensors).write(to: folder.path + "/" + Self.name)
    try damage.check(folder.path) { _ = try SafetensorsFile(path: $0 + "/" + Self.name) }
  }

  @Test(arguments: 0..<9)
  func `padding after the header is accepted, at any alignment`(spaces: Int) throws {
    var image = SafetensorsImage(Self.tensors)
    image.setHeader(image.header + [UInt8](repeating: 0x20, count: spaces))
    let file = try open(image)
    #expect(file.floats("a") == [1, -2])
    #expect(file.floats("b") == [0.5, 3])
    #expect(file.floats("c") == [1, 2, 3, -4, 5, 6])
    #expect(file.tensors["c"]?.shape == [1, 2, 3])
    #expect(file.floats("d") == nil)
  }

  @Test func `scalars, tensors without elements and free text are accepted`() throws {
    var image = SafetensorsImage([
      .init("zero", "F32", [0], []), .init("scalar", "F32", [], [Float(7)].encoded(as: .float32)),
      .init("none", "BF16", [3, 0, 2], []), .init("é \"quoted\"\n", "F16", [1, 1], [0, 0x3C]),
      .init("", "F32", [0, 0], []),
    ])
    try image.edit(#"{"zero""#, #"{"__metadata__":{"format":"pt"},"zero""#)
    let file = try open(image)
    #expect(file.metadata["format"] == .string("pt"))
    #expect(file.tensors.count == 5)
    #expect(file.floats("scalar") == [7])
    #expect(file.tensors["scalar"]?.shape == [])
    #expect(file.floats("zero") == [] && file.floats("none") == [] && file.floats("") == [])
    #expect(file.floats("é \"quoted\"\n") == [1])
  }

  @Test func `tensors that share their bytes are refused`() throws {
    var image = SafetensorsImage([])
    let entries = (0..<10).map {
      #""tensor_\#($0)": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}"#
    }
    image.setHeader(Array("{\(entries.joined(separator: ", "))}".utf8))
    image.data = [UInt8](repeating: 0, count: 16)
    let error = #expect(throws: ModelError.self) { try open(image) }
    #expect(error?.description.contains("overlaps another one") == true)
  }

  @Test(arguments: [(100_000_001, "does not fit the file"), (100_000_000, "not valid JSON")])
  func `a header may have a hundred million bytes`(count: UInt64, reason: String) throws {
    let folder = try TemporaryFolder()
    var image = SafetensorsImage([])
    image.headerLength = count
    let path = try folder.write(image.bytes, to: Self.name)
    try #require(unsafe truncate(path, 1 << 28) == 0)
    let error = #expect(throws: ModelError.self) { try SafetensorsFile(path: path) }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test func `a file without tensors is accepted`() throws {
    #expect(try open(SafetensorsImage([])).tensors.isEmpty)
  }

  @Test func `the header's order need not be the data's`() throws {
    var image = SafetensorsImage([])
    image.setHeader(
      Array(
        """
        {"b": {"data_offsets": [4, 8], "shape": [1], "dtype": "F32"},
         "a": {"shape": [1], "dtype": "F32", "data_offsets": [0, 4]}}
        """.utf8))
    image.data = [Float(1), 2].encoded(as: .float32)
    let file = try open(image)
    #expect(file.floats("a") == [1] && file.floats("b") == [2])
  }

  @Test func `what the writer writes is read back, sorted and aligned`() throws {
    let values = randomValues(6, seed: 1)
    let bytes = SafetensorsWriter.bytes([
      .init(name: "z", shape: [2, 3], values: values), .init(name: "a", shape: [], values: [4]),
    ])
    let folder = try TemporaryFolder()
    try folder.write(bytes, to: Self.name)
    let file = try SafetensorsFile(path: folder.path + "/" + Self.name)
    #expect(file.floats("z") == values && file.floats("a") == [4])
    #expect(file.tensors["a"].map { $0.bytes.lowerBound % 8 } == 0)
    #expect(file.tensors["a"]?.bytes.upperBound == file.tensors["z"]?.bytes.lowerBound)
  }

  private func open(_ image: SafetensorsImage) throws -> SafetensorsFile {
    let folder = try TemporaryFolder()
    try image.write(to: folder.path + "/" + Self.name)
    return try SafetensorsFile(path: folder.path + "/" + Self.name)
  }
}
