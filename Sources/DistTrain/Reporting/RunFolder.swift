package import Checkpoints
package import Foundation
internal import Glibc
package import Model

/// The files of a run, written by the root alone.
package struct RunFolder: Sendable {
  package let path: String

  package init(_ path: String) { self.path = path }

  package var checkpoints: CheckpointStore { CheckpointStore(folder: path + "/checkpoints") }
  package var adapter: String { path + "/adapter" }
  /// What a run with an encoder has trained.
  package var model: String { path + "/model" }

  /// When the root last wrote to its log; nil where the log is not on this host, or not there yet.
  package var lastLogChange: Date? {
    var status = stat()
    guard unsafe stat(path + "/logs/rank-000.log", &status) == 0 else { return nil }
    return Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec))
  }

  /// The model that a run has trained; nil where it trained an adapter.
  package var trainedModel: String? {
    FileManager.default.fileExists(atPath: model + "/config.json") ? model : nil
  }

  private var isUsed: Bool {
    ["config.yaml", "checkpoints", "adapter", "model"].contains {
      FileManager.default.fileExists(atPath: path + "/" + $0)
    }
  }

  /// Refuses a folder that holds another run unless that is continued or overwritten.
  package func check(resumes: Bool, overwrites: Bool) throws {
    guard !isUsed || resumes || overwrites else {
      throw CommandFailure(
        "\(path) holds a run already; continue it with resume_from_checkpoint=auto, replace it with"
          + " overwrite_output_dir=true, or give another output_dir", exitCode: 73)
    }
  }

  /// Throws unless the folder is there and can be written to, or can be made.
  package func checkAccess() throws {
    var existing = URL(filePath: path).standardizedFileURL.path
    while !FileManager.default.fileExists(atPath: existing), existing != "/" {
      existing = URL(filePath: existing).deletingLastPathComponent().path
    }
    // Behind a name with a '/' only a folder is found.
    guard unsafe access(existing + "/", W_OK | X_OK) == 0 else {
      let reason = unsafe String(cString: strerror(errno))
      throw CommandFailure("cannot write to \(existing): \(reason)", exitCode: 73)
    }
  }

  /// Makes the folder; refuses as `check` does.
  package func prepare(resumes: Bool, overwrites: Bool) throws {
    let files = FileManager.default
    try check(resumes: resumes, overwrites: overwrites)
    if isUsed && overwrites && !resumes {
      for name in [
        "checkpoints", "adapter", "model", "logs", "metrics.jsonl", "step_times.jsonl",
        "results.json",
        "predictions.jsonl", "audit.json", "trainer_state.json", "tensorboard", "report.html",
        "report.md",
      ]
      where files.fileExists(atPath: path + "/" + name) {
        try files.removeItem(atPath: path + "/" + name)
      }
    }
    try make()
  }

  /// Makes the folder, or one in it, unless it is there.
  package func make(_ name: String? = nil) throws {
    let path = self.path + (name.map { "/" + $0 } ?? "")
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw CommandFailure(
        "cannot make the folder \(path): \(Self.reason(error))", exitCode: 73)
    }
  }

  /// Writes a file so that it is complete or not there.
  package func write(_ bytes: [UInt8], to name: String) throws {
    do {
      try Data(bytes).write(to: URL(filePath: path + "/" + name), options: .atomic)
    } catch {
      throw CommandFailure(
        "cannot write \(path)/\(name): \(Self.reason(error))", exitCode: 74)
    }
  }

  /// What the operating system said; Foundation's own text for most of its errors is that something failed.
  static func reason(_ error: any Error) -> String {
    guard let system = (error as? CocoaError)?.underlying as? POSIXError else {
      return error.localizedDescription
    }
    return unsafe String(cString: strerror(system.code.rawValue))
  }

  /// The lines of a file, none where it is not there.
  package func lines(of name: String) -> [String] {
    let bytes = FileManager.default.contents(atPath: path + "/" + name) ?? Data()
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  package func write(_ text: String, to name: String) throws {
    try write(Array(text.utf8), to: name)
  }

  /// The adapter as a PEFT folder.
  package func writeAdapter(
    _ parameters: [Float], _ layout: AdapterLayout, baseModel: String, to folder: String = "adapter"
  ) throws {
    try FileManager.default.createDirectory(
      atPath: path + "/" + folder, withIntermediateDirectories: true)
    for (name, bytes) in AdapterFolder.files(parameters, layout, baseModel: baseModel) {
      try write(bytes, to: folder + "/" + name)
    }
  }
}
