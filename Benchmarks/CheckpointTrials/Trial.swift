internal import Checkpoints
internal import Foundation
internal import Glibc

/// What became of one damaged file.
enum Verdict: String, CaseIterable {
  /// The damage left the bytes as they were, or the file has no such place: not counted.
  case unchanged, inapplicable
  case error, sameResult, wrongResult
  /// The reader's process died, or did not answer; the parent's verdicts.
  case crash, hang
}

/// The trials of one sample and one variant, in a fixed order.
struct Trials {
  let seed: UInt64
  let kinds: [(mutation: Mutation, number: Int)]

  init(seed: UInt64, random: Int) {
    self.seed = seed
    kinds = Mutation.allCases.flatMap { mutation in
      (0..<mutation.count(random: random)).map { (mutation, $0) }
    }
  }

  /// The damaged bytes; nil where the variant has no such place.
  func bytes(_ index: Int, of subject: Sample.Subject) -> [UInt8]? {
    let (mutation, number) = kinds[index]
    var generator = SeededGenerator(state: seed &+ UInt64(index) &* 0xD1B5_4A32_D192_ED03)
    return mutation.apply(to: subject, number: number, &generator)
  }
}

/// The process that reads damaged files, and may die of it.
struct Reader {
  private static let memory: rlim_t = 4 << 30

  let sample: Sample
  let variant: Sample.Variant
  private let plain: PlainFile.Content
  private let path: String

  init(_ sample: Sample, _ variant: Sample.Variant, scratch: String) {
    self.sample = sample
    self.variant = variant
    plain = PlainFile.content(of: sample.checkpoint)
    path = scratch
  }

  /// Does the trials from `start` on and writes one byte for each verdict, at once, to the file `report`.
  func run(_ trials: Trials, from start: Int, report: String) throws {
    var limit = rlimit(rlim_cur: Self.memory, rlim_max: Self.memory)
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    guard let subject = sample.files[variant] else { return }
    let output = unsafe open(report, O_WRONLY | O_APPEND)
    for index in start..<trials.kinds.count {
      let verdict = judge(trials.bytes(index, of: subject), subject)
      guard let code = Verdict.allCases.firstIndex(of: verdict) else { continue }
      var byte = UInt8(code)
      guard unsafe write(output, &byte, 1) == 1 else { exit(74) }
    }
    close(output)
  }

  private func judge(_ damaged: [UInt8]?, _ subject: Sample.Subject) -> Verdict {
    guard let damaged else { return .inapplicable }
    if damaged == subject.bytes { return .unchanged }
    switch variant {
    case .sealed:
      guard FileManager.default.createFile(atPath: path, contents: Data(damaged)) else { exit(74) }
      do { return same(try Checkpoint(contentsOfFile: path)) } catch { return .error }
    case .checksums:
      do {
        return same(
          try HDF5File.read(damaged) { (root) throws(HDF5Error) in
            try Checkpoint(readingFrom: root)
          })
      } catch { return .error }
    case .plain:
      guard let found = PlainFile.read(damaged, like: plain) else { return .error }
      return found == plain ? .sameResult : .wrongResult
    }
  }

  private func same(_ checkpoint: Checkpoint) -> Verdict {
    checkpoint == sample.checkpoint ? .sameResult : .wrongResult
  }
}
