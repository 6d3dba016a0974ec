internal import Checkpoints
internal import Foundation

/// Folders of several checkpoints of which the newest are damaged, or all, or of which some are missing.
struct FallbackTrials {
  private static let checkpoints = 5

  let sample: Sample
  let folder: String

  struct Outcome {
    var folders = 0
    var foundNext = 0
    var folderAllBad = 0
    var saidSo = 0
    var problems: [String] = []
  }

  func run(count: Int, seed: UInt64) throws -> Outcome {
    var outcome = Outcome()
    var generator = SeededGenerator(state: seed)
    let trials = Trials(seed: seed, random: 500)
    for number in 0..<count {
      let path = "\(folder)/fallback"
      if FileManager.default.fileExists(atPath: path) {
        try FileManager.default.removeItem(atPath: path)
      }
      let bad = number % (Self.checkpoints + 1)
      try fill(path, bad: bad, trials, &generator)
      try check(path, bad: bad, &outcome)
    }
    return outcome
  }

  /// Writes good checkpoints of steps 10, 20 and so on, then damages the newest `bad`.
  private func fill(
    _ path: String, bad: Int, _ trials: Trials, _ generator: inout SeededGenerator
  ) throws {
    let store = CheckpointStore(folder: path)
    try store.prepare()
    var steps: [Checkpoint] = []
    for index in 1...Self.checkpoints {
      var checkpoint = sample.checkpoint
      checkpoint.step = 10 * index
      checkpoint.parameters[0] = Float(index)
      _ = try store.save(checkpoint)
      steps.append(checkpoint)
    }
    guard let places = sample.files[.sealed]?.places else { return }
    for checkpoint in steps.suffix(bad) {
      let bytes = try checkpoint.sealedBytes()
      let older = try steps[0].sealedBytes()
      let subject = Sample.Subject(bytes: bytes, other: older, places: places)
      var damaged = bytes
      while damaged == bytes || damaged == older {
        let index = Int.random(in: 0..<trials.kinds.count, using: &generator)
        let (mutation, place) = trials.kinds[index]
        damaged = mutation.apply(to: subject, number: place, &generator) ?? bytes
      }
      try Data(damaged).write(to: URL(fileURLWithPath: store.path(ofStep: checkpoint.step)))
    }
  }

  private func check(_ path: String, bad: Int, _ outcome: inout Outcome) throws {
    let search = try CheckpointStore(folder: path).newest()
    let refused = search.refused.map(\.path).map { URL(fileURLWithPath: $0).lastPathComponent }
    let expected = (0..<bad).map { "step-0000\(10 * (Self.checkpoints - $0)).h5" }
    let hasReasons = search.refused.allSatisfy { !$0.reason.description.isEmpty }
    if refused != expected || !hasReasons {
      outcome.problems.append("refused \(refused) instead of \(expected)")
    }
    if bad == Self.checkpoints {
      outcome.folderAllBad += 1
      outcome.saidSo += search.found == nil ? 1 : 0
    } else {
      outcome.folders += 1
      let step = 10 * (Self.checkpoints - bad)
      let isNext =
        search.found?.checkpoint.step == step
        && search.found?.checkpoint.parameters[0] == Float(Self.checkpoints - bad)
      outcome.foundNext += isNext ? 1 : 0
    }
  }
}
