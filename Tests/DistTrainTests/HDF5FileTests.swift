import Checkpoints
import Testing

@Suite struct HDF5FileTests {
  private func reason(_ body: () throws(HDF5Error) -> Void) -> String {
    do throws(HDF5Error) {
      try body()
      return "no error"
    } catch {
      return error.description
    }
  }

  private func file(
    _ body: (borrowing HDF5Group) throws(HDF5Error) -> Void
  ) throws(HDF5Error) -> [UInt8] {
    try HDF5File.build(userBlockBytes: 512, body)
  }

  @Test(arguments: [[1], [7], [1, 1], [3, 5], [1, 1_048_577], [1_048_577, 1], [2, 700_000]])
  func `numbers of any shape come back`(shape: [Int]) throws {
    var generator = SeededGenerator(state: UInt64(shape[0]))
    let count = shape.reduce(1, *)
    let floats = (0..<count).map { _ in generator.float() }
    let integers = (0..<count).map { _ in Int64(bitPattern: generator.next()) }
    let bytes = try file { (root) throws(HDF5Error) in
      try root.write(floats.span, shape: shape, to: "floats")
      try root.write(integers.span, shape: shape, to: "integers")
    }
    try HDF5File.read(bytes) { (root) throws(HDF5Error) in
      let readFloats = try root.values(of: "floats", as: Float.self, shape: shape)
      #expect(readFloats.map(\.bitPattern) == floats.map(\.bitPattern))
      #expect(try root.values(of: "integers", as: Int64.self, shape: shape) == integers)
      #expect(try root.shape(of: "floats") == shape)
    }
  }

  @Test func `texts come back, empty and non-ASCII ones too`() throws {
    let texts = ["", "a", "\u{E9}\u{1F9EA}\n", "", "longer than the others"]
    let bytes = try file { (root) throws(HDF5Error) in
      try root.write(texts: texts, to: "texts")
      try root.write("", to: "empty")
    }
    try HDF5File.read(bytes) { (root) throws(HDF5Error) in
      #expect(try root.texts(of: "texts") == texts)
      #expect(try root.text(of: "empty") == "")
    }
    let several = reason { () throws(HDF5Error) in
      try HDF5File.read(bytes) { (root) throws(HDF5Error) in _ = try root.text(of: "texts") }
    }
    #expect(several.contains("5 texts, not one"))
  }

  @Test func `attributes come back and keep their type`() throws {
    let bytes = try file { (root) throws(HDF5Error) in
      try root.writeAttribute(Int64.min, named: "low")
      try root.writeAttribute(UInt64.max, named: "high")
      try root.writeAttribute(Float.leastNonzeroMagnitude, named: "small")
    }
    try HDF5File.read(bytes) { (root) throws(HDF5Error) in
      #expect(try root.attribute("low", as: Int64.self) == .min)
      #expect(try root.attribute("high", as: UInt64.self) == .max)
      #expect(try root.attribute("small", as: Float.self) == .leastNonzeroMagnitude)
    }
    let wrong = reason { () throws(HDF5Error) in
      try HDF5File.read(bytes) { (root) throws(HDF5Error) in
        _ = try root.attribute("high", as: Int64.self)
      }
    }
    #expect(wrong.contains("\"high\": it is not one int64 number"))
  }

  @Test func `an error is a sentence with the library's own reason`() throws {
    let bytes = try file { (root) throws(HDF5Error) in _ = try root.createGroup("here") }
    let reasons = [
      reason { () throws(HDF5Error) in
        try HDF5File.read(bytes) { (root) throws(HDF5Error) in _ = try root.group("there") }
      },
      reason { () throws(HDF5Error) in
        try HDF5File.read(bytes) { (root) throws(HDF5Error) in _ = try root.text(of: "there") }
      },
      reason { () throws(HDF5Error) in
        try HDF5File.read(bytes) { (root) throws(HDF5Error) in
          _ = try root.attribute("there", as: Int64.self)
        }
      },
    ]
    for reason in reasons {
      #expect(reason.hasPrefix("HDF5 cannot "))
      #expect(reason.contains("there"))
      #expect(reason.contains("(H5"), "\(reason)")
    }
  }

  @Test func `wrong shapes, types and kinds are refused`() throws {
    let bytes = try file { (root) throws(HDF5Error) in
      try root.write(([1, 2, 3, 4, 5, 6] as [Float]).span, shape: [2, 3], to: "floats")
      _ = try root.createGroup("group")
    }
    func read(_ name: String, _ shape: [Int]) -> String {
      reason { () throws(HDF5Error) in
        try HDF5File.read(bytes) { (root) throws(HDF5Error) in
          _ = try root.values(of: name, as: Float.self, shape: shape)
        }
      }
    }
    #expect(read("floats", [3, 2]).contains("its shape is [2, 3], not [3, 2]"))
    #expect(read("floats", [6]).contains("its shape is [2, 3], not [6]"))
    #expect(read("group", [6]).contains("not a dataset"))
    #expect(read("/", [6]) != "no error")
    #expect(read("", [6]) != "no error")
    let integers = reason { () throws(HDF5Error) in
      try HDF5File.read(bytes) { (root) throws(HDF5Error) in
        _ = try root.values(of: "floats", as: Int64.self, shape: [2, 3])
      }
    }
    #expect(integers.contains("not int64"))
    let texts = reason { () throws(HDF5Error) in
      try HDF5File.read(bytes) { (root) throws(HDF5Error) in _ = try root.texts(of: "floats") }
    }
    #expect(texts.contains("not a list of texts"))
  }

  @Test func `values that do not fill the shape are refused`() {
    for shape in [[2, 2], [0], [-1, -3], [.max, .max], []] as [[Int]] {
      let reason = reason { () throws(HDF5Error) in
        _ = try file { (root) throws(HDF5Error) in
          try root.write(([1, 2, 3] as [Float]).span, shape: shape, to: "x")
        }
      }
      #expect(reason.contains("HDF5 cannot"), "\(shape): \(reason)")
    }
  }

  @Test func `the same name twice is an error`() {
    let reason = reason { () throws(HDF5Error) in
      _ = try file { (root) throws(HDF5Error) in
        try root.write("a", to: "x")
        try root.write("b", to: "x")
      }
    }
    #expect(reason.contains("name already exists"), "\(reason)")
  }

  @Test(arguments: [[], [0], Array("not HDF5 at all".utf8)] as [[UInt8]])
  func `other bytes are an error`(bytes: [UInt8]) {
    let reason = reason { () throws(HDF5Error) in
      try HDF5File.read(bytes) { (_) throws(HDF5Error) in }
    }
    #expect(reason.hasPrefix("HDF5 cannot open the file's bytes"), "\(reason)")
  }

  @Test func `a flipped bit in the numbers is found by the dataset's own checksum`() throws {
    let numbers = (0..<4096).map(Float.init)
    var bytes = try file { (root) throws(HDF5Error) in
      try root.write(numbers.span, shape: [4096], to: "numbers")
    }
    let pattern = unsafe numbers[100..<104].withUnsafeBytes { unsafe Array($0) }
    let position = try #require(
      bytes.indices.first { bytes[$0...].starts(with: pattern) }, "the numbers are not in the file")
    bytes[position] ^= 1
    let reason = reason { () throws(HDF5Error) in
      try HDF5File.read(bytes) { (root) throws(HDF5Error) in
        _ = try root.values(of: "numbers", as: Float.self, shape: [4096])
      }
    }
    #expect(reason.contains("data error detected by Fletcher32"), "\(reason)")
  }
}
