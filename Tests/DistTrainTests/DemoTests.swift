import Foundation
import Model
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: CommandRunner.hasMPI, "mpirun is not installed"))
struct DemoTests {
  @Test func `the demo learns its held-out questions on two ranks`() throws {
    let folder = NSTemporaryDirectory() + "demo-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let result = try CommandRunner.run("disttrain", ["demo", "output_dir=\(folder)"])
    try #require(result.status == 0, "\(result.errorOutput)")
    let line = try #require(
      result.output.split(separator: "\n").first { $0.hasPrefix("held-out accuracy") })
    let numbers = line.split(separator: " ").compactMap { Double($0.filter { $0 != "(" }) }
    try #require(numbers.count >= 3, "\(line)")
    let (before, after, questions) = (numbers[0], numbers[1], numbers[2])
    #expect(after >= 75 && after - before >= 30 && questions >= 100, "\(line)")
    let bytes = Array(try Data(contentsOf: URL(filePath: folder + "/results.json")))
    let metrics = try JSONParser.parse(bytes)["metrics"]
    #expect(metrics?["total"]?.intValue == Int(questions))
    #expect(metrics?["query_type_counts"]?.objectValue?.keys.count == 6)
    #expect(result.output.contains("disttrain evaluate \(folder)"))
    #expect(FileManager.default.fileExists(atPath: folder + "/adapter/adapter_config.json"))
  }
}
