internal import Checkpoints
internal import Foundation
internal import Glibc

/// Damages checkpoints and counts what is noticed, or measures what writing one costs.
///
/// Usage: CheckpointTrials corruption <seed> <folder> (<random> <checkpoint> <other of the same run>)...
///        CheckpointTrials cost <folder> [repetitions]
@main
struct CheckpointTrials {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch arguments.first {
    case "corruption": try corruption(Array(arguments.dropFirst()))
    case "cost":
      let repetitions = arguments.count > 2 ? Int(arguments[2]) ?? 5 : 5
      print(SaveCost.header)
      for shape in SaveCost.shapes {
        print(try SaveCost.measure(shape, repetitions: repetitions, folder: arguments[1]))
      }
    case "read": try read(Array(arguments.dropFirst()))
    default:
      print("usage: CheckpointTrials corruption <seed> <folder> (<random> <file> <other>)...")
      print("       CheckpointTrials cost <folder> [repetitions]")
      exit(64)
    }
  }

  private static func corruption(_ arguments: [String]) throws {
    guard arguments.count >= 5, (arguments.count - 2) % 3 == 0, let seed = UInt64(arguments[0])
    else { throw TrialError.unexpected("corruption needs a seed, a folder and triples") }
    var table = CorruptionTable()
    let folder = arguments[1]
    for start in stride(from: 2, to: arguments.count, by: 3) {
      let files = Array(arguments[start + 1...start + 2])
      let trials = CorruptionTrials(
        files: files, random: Int(arguments[start]) ?? 100, seed: seed, folder: folder)
      for variant in Sample.Variant.allCases {
        table.add(try trials.run(variant), of: trials.trials, variant)
      }
    }
    print(table.text())
    let sample = try Sample(arguments[3], other: arguments[4])
    let fallback = try FallbackTrials(sample: sample, folder: folder).run(count: 600, seed: seed)
    print(
      """

      folders of five checkpoints
        the newest 0 to 4 damaged: \(fallback.folders), the next good one found in \(fallback.foundNext)
        all five damaged: \(fallback.folderAllBad), none used in \(fallback.saidSo)
      """)
    for problem in fallback.problems { print(problem) }
    let isGood =
      table.failures == 0 && fallback.problems.isEmpty && fallback.folders == fallback.foundNext
      && fallback.folderAllBad == fallback.saidSo
    exit(isGood ? 0 : 1)
  }

  /// The child: variant, random, seed, first trial, report, scratch file, the two checkpoints.
  private static func read(_ arguments: [String]) throws {
    guard arguments.count == 8, let variant = Sample.Variant(rawValue: arguments[0]),
      let random = Int(arguments[1]), let seed = UInt64(arguments[2]), let start = Int(arguments[3])
    else { throw TrialError.unexpected("read is for the program's own use") }
    let sample = try Sample(arguments[6], other: arguments[7])
    let reader = Reader(sample, variant, scratch: arguments[5])
    try reader.run(Trials(seed: seed, random: random), from: start, report: arguments[4])
  }
}
