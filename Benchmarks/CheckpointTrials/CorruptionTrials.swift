internal import Foundation
internal import Glibc

/// Damages the files of a sample in every way, reads each in a child process, and counts what came of it.
struct CorruptionTrials {
  /// Without a verdict for so long a child is taken to hang.
  private static let patience = 20.0

  let files: [String]
  let trials: Trials
  let folder: String
  let random: Int

  init(files: [String], random: Int, seed: UInt64, folder: String) {
    self.files = files
    self.random = random
    self.folder = folder
    trials = Trials(seed: seed, random: random)
  }

  /// The verdicts of all trials on one variant.
  func run(_ variant: Sample.Variant) throws -> [Verdict] {
    let report = "\(folder)/\(variant.rawValue)"
    _ = FileManager.default.createFile(atPath: report, contents: Data())
    var verdicts = count(report)
    while verdicts < trials.kinds.count {
      let end = try child(variant, from: verdicts, report: report)
      verdicts = count(report)
      if verdicts < trials.kinds.count {
        guard let end, let code = Verdict.allCases.firstIndex(of: end) else {
          throw TrialError.childFailed(variant.rawValue, verdicts)
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: report))
        try file.seekToEnd()
        try file.write(contentsOf: Data([UInt8(code)]))
        try file.close()
        verdicts += 1
      }
    }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: report))
    return bytes.map { Verdict.allCases[Int($0)] }
  }

  private func count(_ report: String) -> Int {
    var status = stat()
    return unsafe stat(report, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Runs one child to its end; says how it died, or nil if it ended by itself.
  private func child(
    _ variant: Sample.Variant, from start: Int, report: String
  ) throws -> Verdict? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments =
      ["read", variant.rawValue, String(random), String(trials.seed), String(start), report]
      + ["\(folder)/\(variant.rawValue).h5"] + files
    process.standardError = FileHandle.nullDevice
    try process.run()
    var seen = count(report)
    var last = Date.now
    while process.isRunning {
      usleep(10_000)
      let now = count(report)
      if now != seen { (seen, last) = (now, .now) }
      if Date.now.timeIntervalSince(last) > Self.patience {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return .hang
      }
    }
    return process.terminationReason == .uncaughtSignal ? .crash : nil
  }
}

enum TrialError: Error, CustomStringConvertible {
  case childFailed(String, Int)
  case unexpected(String)

  var description: String {
    switch self {
    case .childFailed(let variant, let trial): "the reader of \(variant) gave up at trial \(trial)"
    case .unexpected(let text): text
    }
  }
}
