import Foundation
import Testing

/// Inputs that the fuzzer starts from, and those that it once failed on.
struct FuzzReplayTests {
  @Test(arguments: FuzzTarget.allCases)
  func `every seed but those made to be wrong is accepted`(target: FuzzTarget) throws {
    let folder = try ScratchFolder()
    for seed in try FuzzSeeds.inputs(target) {
      let isAccepted = try target.accepts(seed.bytes, in: folder)
      #expect(isAccepted != seed.name.hasPrefix("wrong"), "\(seed.name)")
    }
  }

  @Test(arguments: FuzzTarget.allCases)
  func `what failed once is read or refused`(target: FuzzTarget) throws {
    let inputs = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Regressions/\(target.rawValue)")
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: inputs.path) else {
      return
    }
    let folder = try ScratchFolder()
    for name in names.sorted() {
      let bytes = try Array(Data(contentsOf: inputs.appending(path: name)))
      let isAccepted = try target.accepts(bytes, in: folder)
      #expect(!(isAccepted && name.hasPrefix("refused")), "\(name)")
    }
  }

  @Test func `every folder of failures belongs to a target`() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Regressions")
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      #expect(FuzzTarget(rawValue: name) != nil, "\(name)")
    }
  }
}
