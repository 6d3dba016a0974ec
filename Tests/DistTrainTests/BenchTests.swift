import Foundation
import Model
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: CommandRunner.hasMPI, "mpirun is not installed"))
struct BenchTests {
  private static func bench(_ settings: [String]) throws -> JSONValue {
    let flags = ["bench", "--json", "--steps", "2", "--product-seconds", "0.01"]
    let result = try CommandRunner.run("disttrain", flags + settings, ranks: 2)
    try #require(result.status == 0, "\(result.errorOutput)")
    return try JSONParser.parse(Array(result.output.utf8))
  }

  private static func parts(_ json: JSONValue) -> [String] {
    json["seconds_of_root"]?.objectValue?.keys ?? []
  }

  @Test func `an adapter's steps and products are measured`() throws {
    let tiny = try TinyRun()
    let json = try Self.bench(tiny.settings("unused"))
    #expect((json["tokens_per_second"]?.doubleValue ?? 0) > 0)
    #expect(Self.parts(json).contains("adapter products"))
    #expect(json["shapes"]?.arrayValue?.first?["weight_gradient"] == .null)
  }

  @Test(arguments: [[], ["folds=folds.json", "train_ratio=1", "val_ratio=0", "test_ratio=0"]])
  func `an encoder's are, in the first fold where there are folds`(settings: [String]) throws {
    let tiny = try TinyEncoderRun()
    let paths = settings.map { $0.replacing("folds.json", with: tiny.folder + "/folds.json") }
    let json = try Self.bench(tiny.settings("unused", paths))
    #expect(json["steps"] == .integer(2))
    #expect((json["tokens_per_second"]?.doubleValue ?? 0) > 0)
    #expect(!Self.parts(json).contains("adapter products"))
    let shapes = json["shapes"]?.arrayValue ?? []
    #expect(shapes.allSatisfy { ($0["weight_gradient"]?.doubleValue ?? 0) > 0 } && !shapes.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: tiny.folder + "/unused"))
  }
}
