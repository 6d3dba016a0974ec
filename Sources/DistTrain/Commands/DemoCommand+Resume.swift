internal import Checkpoints
internal import Collective
internal import Foundation
internal import Logging
internal import Model

extension DemoCommand {
  /// Goes on from the run's earlier checkpoint beside it, and compares the last checkpoints byte by byte.
  ///
  /// - Returns: The step that was gone on from; nil where the run has one checkpoint alone.
  static func compareResumed(
    _ settings: [(key: String, value: String)], _ configuration: RunConfiguration,
    _ job: borrowing Job
  ) throws -> Int? {
    let run = RunFolder(configuration.outputPath)
    let again = RunFolder(run.path + "/resumed")
    var names: [String] = []
    try job.onRoot {
      names = try FileManager.default.contentsOfDirectory(atPath: run.checkpoints.folder)
        .filter { $0.hasSuffix(".h5") }.sorted()
      if FileManager.default.fileExists(atPath: again.path) {
        try FileManager.default.removeItem(atPath: again.path)
      }
    }
    let sent = try job.ranks.broadcast(Array(names.suffix(2).joined(separator: "\n").utf8))
    let pair = String(decoding: sent, as: UTF8.self).split(separator: "\n").map(String.init)
    guard pair.count == 2 else { return nil }
    let terminal = Console.terminal
    Console.use(terminal.silenced)
    defer { Console.use(terminal) }
    let more = [
      ("output_dir", again.path), ("overwrite_output_dir", "false"),
      ("resume_from_checkpoint", run.checkpoints.folder + "/" + pair[0]),
    ]
    let settings = settings.filter { setting in !more.contains { $0.0 == setting.key } }
    try TrainingRun<RunInputs>.repeatSteps(
      RunOptions.resolve(job, file: nil, overrides: settings + more), job)
    try job.openLogs(in: run.path + "/logs")
    try job.onRoot {
      let files = FileManager.default
      let (first, second) = (
        run.checkpoints.folder + "/" + pair[1], again.checkpoints.folder + "/" + pair[1]
      )
      guard files.contentsEqual(atPath: first, andPath: second) else {
        throw CommandFailure(
          "\(second), of a run that went on from \(pair[0]), differs from \(first): please report this",
          exitCode: 70)
      }
      try files.removeItem(atPath: again.path)
    }
    return pair[0].split { !$0.isNumber }.first.flatMap { Int($0) }
  }
}

extension TrainingRun {
  /// Goes on from a checkpoint to the last step, without a first screen and without a score.
  static func repeatSteps(_ configuration: RunConfiguration, _ job: borrowing Job) throws {
    var run = try TrainingRun(configuration, job)
    let lock = try run.lockFolder(job)
    defer { withExtendedLifetime(lock) {} }
    try run.prepareFolder(job)
    try run.resume(job)
    try run.train(job)
  }
}
